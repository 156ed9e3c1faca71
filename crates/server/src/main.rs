//! `recourse`: the after-sales and warranty backend as one binary.

use clap::Parser;

/// Answers are made of many small strings; the system's allocator took a fifth of a list's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    recourse_server::process::give_memory_back();
    recourse_server::process::use_small_pages();
    // Sockets are looked at after every few tasks, not after 61 as by default: some write a page of two hundred
    // claims for milliseconds, and whoever is turned away shall hear of it meanwhile.
    // A submission takes more than half of the usual two mebibytes of stack in a build that is not optimised; what
    // is not used of it is no memory.
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = match builder.event_interval(8).thread_stack_size(4 << 20).enable_all().build() {
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
