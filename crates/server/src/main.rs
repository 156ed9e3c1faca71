//! `recourse`: the after-sales and warranty backend as one binary.

use clap::Parser;

/// Answers are made of many small strings; the system's allocator took a fifth of a list's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    recourse_server::process::use_small_pages();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure(&error),
    };
    match runtime.block_on(recourse_server::run(recourse_server::cli::Cli::parse())) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => failure(&error),
    }
}

/// One clear line: what could not begin, and why.
fn failure(error: &dyn std::fmt::Display) -> std::process::ExitCode {
    eprintln!("recourse: {error}");
    std::process::ExitCode::FAILURE
}
