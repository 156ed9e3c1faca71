//! `recourse`: the after-sales and warranty backend as one binary.

use clap::Parser;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match recourse_server::run(recourse_server::cli::Cli::parse()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            // One clear line: what could not begin, and why.
            eprintln!("recourse: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
