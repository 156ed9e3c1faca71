//! How each process begins and ends.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use recourse_domain::clock::{Clock, IdSource};
use recourse_repository::{Store, StoreOptions};
use recourse_service::{Api, ApiParts};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::config::Config;
use crate::health::Readiness;
use crate::process::{RandomIds, SystemClock};
use crate::serving::tls::Certificate;
use crate::serving::{self, Serving, told};
use crate::{StartError, demo, limits};

/// A server that is running.
pub struct Running {
    /// Address of the one port.
    pub address: SocketAddr,
    /// Address of gRPC alone, if it is apart.
    pub grpc_address: Option<SocketAddr>,
    /// The use cases behind it.
    pub api: Api,
    readiness: Readiness,
    drain_delay: Duration,
    /// Ends the listeners and what is new to begin.
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    /// Ends what the last calls still need.
    end: watch::Sender<bool>,
    helpers: Vec<JoinHandle<()>>,
}

impl Running {
    /// Stops: not ready first, and after the delay no new connections; streams are ended, calls have the time
    /// of the drain.
    pub async fn stop(self) {
        self.readiness.stop().await;
        tokio::time::sleep(self.drain_delay).await;
        self.api.end_streams();
        // Nobody listens any more only if everything has ended already.
        self.stop.send_replace(true);
        ended(self.listeners).await;
        self.end.send_replace(true);
        ended(self.helpers).await;
    }
}

async fn ended(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!(%error, "a task did not end well");
        }
    }
}

/// The sockets of a server and its certificate: what can fail before the store is opened.
pub struct Listeners {
    main: TcpListener,
    grpc: Option<TcpListener>,
    certificate: Option<Arc<Certificate>>,
}

impl Listeners {
    /// Reads the certificate and takes the ports.
    pub async fn open(config: &Config) -> Result<Self, StartError> {
        let certificate = Certificate::open(&config.tls).await?;
        let bind = |address: SocketAddr| {
            serving::bind(address).map_err(|error| StartError::new(&format!("{address} can't be listened on"), error))
        };
        Ok(Self { main: bind(config.listen)?, grpc: config.grpc_listen.map(bind).transpose()?, certificate })
    }
}

/// Opens the store and brings its schema up to date.
pub async fn open_store(config: &Config) -> Result<Store, StartError> {
    let options = StoreOptions { max_connections: config.max_connections, ..StoreOptions::new(&config.database) };
    let opened = tokio::time::timeout(limits::STORE_OPEN, Store::open(options)).await;
    let store = opened
        .map_err(|_| StartError::new("the store can't be opened", "it does not answer"))?
        .map_err(|error| StartError::new("the store can't be opened", error))?;
    store.migrate().await.map_err(|error| StartError::new("the store can't be migrated", error))?;
    Ok(store)
}

/// The use cases over a store.
pub async fn open_api(
    config: &Config,
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
) -> Result<Api, StartError> {
    Api::open(ApiParts {
        store,
        clock,
        wall: Arc::new(SystemClock),
        ids,
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
    })
    .await
    .map_err(|error| StartError::new("the service can't begin", error))
}

/// Begins to serve on the ports of the configuration.
pub async fn listen(config: &Config, api: Api) -> Result<Running, StartError> {
    serve_on(Listeners::open(config).await?, config, api)
}

/// Begins to serve.
fn serve_on(listeners: Listeners, config: &Config, api: Api) -> Result<Running, StartError> {
    let local = |listener: &TcpListener| {
        listener.local_addr().map_err(|error| StartError::new("the listening address can't be read", error))
    };
    let assembled = |error| StartError::new("the services can't be assembled", error);
    let (stop, stopping) = watch::channel(false);
    let (end, ending) = watch::channel(false);
    let readiness = Readiness::new(api.store().clone());
    let app = App::new(config, api.clone(), readiness.clone());
    let acceptor = listeners.certificate.as_ref().map(Certificate::acceptor).transpose()?;
    let serving = Arc::new(Serving::new(&config.limits, acceptor));
    let mut helpers = vec![tokio::spawn(api.authenticator().follow_revocations(told(ending.clone())))];
    if let Some(certificate) = listeners.certificate {
        helpers.push(tokio::spawn(certificate.follow(ending)));
    }
    if config.work {
        helpers.push(tokio::spawn(api.clone().work(told(stopping.clone()))));
    }
    let address = local(&listeners.main)?;
    let grpc_address = listeners.grpc.as_ref().map(local).transpose()?;
    let router = app.everything().map_err(assembled)?;
    let mut tasks = vec![tokio::spawn(Arc::clone(&serving).serve(listeners.main, router, stopping.clone()))];
    if let Some(listener) = listeners.grpc {
        let router = app.grpc().map_err(assembled)?;
        tasks.push(tokio::spawn(serving.serve(listener, router, stopping)));
    }
    let drain_delay = config.limits.drain_delay;
    Ok(Running { address, grpc_address, api, readiness, drain_delay, stop, listeners: tasks, end, helpers })
}

/// `recourse serve`.
pub async fn serve(config: Config, with_demo: bool) -> Result<(), StartError> {
    serving::raise_file_limit(&config.limits);
    // What fails soon comes first: a taken port is not found out after a migration.
    let listeners = Listeners::open(&config).await?;
    let store = open_store(&config).await?;
    let (clock, accounts): (Arc<dyn Clock>, _) = if with_demo {
        let loaded = demo::prepare(&config, &store).await?;
        (Arc::new(loaded.clock), Some(loaded.accounts))
    } else {
        (Arc::new(SystemClock), None)
    };
    let api = open_api(&config, store, clock, Arc::new(RandomIds)).await?;
    let mut running = serve_on(listeners, &config, api)?;
    let scheme = if config.tls.is_on() { "https" } else { "http" };
    let mut greeting =
        format!("recourse serves on {scheme}://{0}  (reference: {scheme}://{0}/docs/)\n", running.address);
    if let Some(accounts) = accounts {
        greeting.push_str(&accounts);
    }
    say(&greeting)?;
    if signalled().await == Signal::Interrupt {
        // A person at a terminal, and no balancer: nobody needs to be warned.
        running.drain_delay = Duration::ZERO;
    }
    tracing::info!("stopping");
    let hard_stop = config.limits.drain_delay + config.limits.drain_time + limits::CUT;
    if tokio::time::timeout(hard_stop, running.stop()).await.is_err() {
        tracing::warn!("stopped with tasks still running");
    }
    Ok(())
}

/// `recourse worker`.
pub async fn worker(config: Config) -> Result<(), StartError> {
    let store = open_store(&config).await?;
    let api = open_api(&config, store, Arc::new(SystemClock), Arc::new(RandomIds)).await?;
    let (stop, stopping) = watch::channel(false);
    let work = tokio::spawn(api.work(told(stopping)));
    signalled().await;
    stop.send_replace(true);
    work.await.map_err(|error| StartError::new("the worker did not end well", error))
}

/// `recourse migrate`.
pub async fn migrate(config: Config) -> Result<(), StartError> {
    open_store(&config).await?;
    say("the schema is up to date\n")
}

/// `recourse demo`.
pub async fn demo(config: Config) -> Result<(), StartError> {
    let store = open_store(&config).await?;
    let loaded = demo::prepare(&config, &store).await?;
    say(&loaded.accounts)
}

/// `recourse create-admin`.
pub async fn create_admin(config: Config, user_name: &str) -> Result<(), StartError> {
    let store = open_store(&config).await?;
    let api = open_api(&config, store, Arc::new(SystemClock), Arc::new(RandomIds)).await?;
    let password = api
        .create_first_admin(user_name)
        .await
        .map_err(|refusal| StartError::new("the administrator can't be created", refusal.text.en))?;
    say(&format!(
        "user name: {user_name}\none-time password: {password}\nchange it after the first sign-in (POST /v1/users/me:changePassword)\n"
    ))
}

fn say(text: &str) -> Result<(), StartError> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| StartError::new("standard output", error))
}

/// What told the process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    /// SIGTERM: an orchestrator.
    Terminate,
    /// Ctrl-C: a person.
    Interrupt,
}

async fn signalled() -> Signal {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM can't be followed");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminate => Signal::Terminate,
        interrupted = tokio::signal::ctrl_c() => {
            if let Err(error) = interrupted {
                tracing::warn!(%error, "ctrl-c can't be followed");
            }
            Signal::Interrupt
        }
    }
}
