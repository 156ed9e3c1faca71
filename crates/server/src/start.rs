//! How each process begins and ends.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use recourse_domain::attachments::Bounds;
use recourse_domain::clock::{Clock, IdSource};
use recourse_repository::{Files, Store, StoreOptions};
use recourse_service::attachments::AttachmentOptions;
use recourse_service::{Api, ApiParts};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::config::{Config, FileStore, Limits, MetricsListen};
use crate::fetch::SafeFetch;
use crate::health::Readiness;
use crate::metrics::{self, Metrics};
use crate::process::{RandomIds, SystemClock};
use crate::serving::tls::Certificate;
use crate::serving::{self, Serving, Sockets, told};
use crate::signals::{self, Signal, signalled};
use crate::{StartError, demo, limits};

/// A server that is running.
pub struct Running {
    /// Address of the one port.
    pub address: SocketAddr,
    /// Address of gRPC alone, if it is apart.
    pub grpc_address: Option<SocketAddr>,
    /// The use cases behind it.
    pub api: Api,
    /// What is counted.
    pub metrics: Arc<Metrics>,
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
    /// Begins to answer for the metrics, and tells where.
    pub async fn serve_metrics(&mut self, listen: MetricsListen) -> Result<Option<SocketAddr>, StartError> {
        let (asked, if_free) = match listen {
            MetricsListen::Off => return Ok(None),
            MetricsListen::At(address) => (address, false),
            MetricsListen::IfFree(address) => (address, true),
        };
        let listener = match TcpListener::bind(asked).await {
            Ok(listener) => listener,
            Err(error) if if_free => {
                tracing::warn!(%error, address = %asked, "the port of the metrics is taken; this server goes without");
                return Ok(None);
            }
            Err(error) => return Err(StartError::new(&format!("{asked} can't be listened on"), error)),
        };
        let address = listener
            .local_addr()
            .map_err(|error| StartError::new("the address of the metrics can't be read", error))?;
        let front = metrics::routes(Arc::clone(&self.metrics), self.readiness.clone()).into();
        // Whoever measures is no caller: none of the callers' places are taken, and it goes on until the end.
        let serving = Arc::new(Serving::new(&Limits::default(), None, Sockets::default()));
        self.helpers.push(tokio::spawn(serving.serve(listener, front, self.end.subscribe())));
        Ok(Some(address))
    }

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
    let store = open_as_it_is(config).await?;
    store.migrate().await.map_err(|error| StartError::new("the store can't be migrated", error))?;
    Ok(store)
}

/// Opens a store that must be there already, and leaves its schema as it is.
pub(crate) async fn open_present(config: &Config) -> Result<Store, StartError> {
    must_be_there(config)?;
    open_as_it_is(config).await
}

/// Opens a store that must be there already, and brings its schema up to date: a key that is changed in a database made
/// for a mistyped name protects nobody.
async fn open_known(config: &Config) -> Result<Store, StartError> {
    must_be_there(config)?;
    open_store(config).await
}

fn must_be_there(config: &Config) -> Result<(), StartError> {
    match sqlite_file(&config.database).filter(|file| !file.exists()) {
        Some(file) => Err(StartError::new("the store can't be opened", format!("there is no file {}", file.display()))),
        None => Ok(()),
    }
}

async fn open_as_it_is(config: &Config) -> Result<Store, StartError> {
    let options = StoreOptions { max_connections: config.max_connections, ..StoreOptions::new(&config.database) };
    let opened = tokio::time::timeout(limits::STORE_OPEN, Store::open(options)).await;
    opened
        .map_err(|_| StartError::new("the store can't be opened", silent(&config.redacted().database)))?
        .map_err(|error| StartError::new("the store can't be opened", error))
}

/// What to look at when a database does not answer.
fn silent(database: &str) -> String {
    format!("{database} does not answer: does it run there, and take connections?")
}

/// The file of an embedded database.
pub(crate) fn sqlite_file(database: &str) -> Option<PathBuf> {
    let file = database.strip_prefix("sqlite:")?.trim_start_matches("//");
    let file = file.split('?').next().unwrap_or(file);
    (file != ":memory:").then(|| PathBuf::from(file))
}

/// Where the bytes of attachments are. A folder is made with the first of them.
pub(crate) fn open_files(config: &Config) -> Result<Files, StartError> {
    let section = &config.attachments;
    match section.store {
        FileStore::Folder => Ok(Files::in_folder(&section.folder(sqlite_file(&config.database).as_deref()))),
        #[cfg(feature = "s3")]
        FileStore::S3 => Files::in_s3(recourse_repository::S3Options {
            bucket: section.s3_bucket.clone().unwrap_or_default(),
            region: section.s3_region.clone(),
            endpoint: section.s3_endpoint.clone(),
            access_key_id: section.s3_access_key_id.clone(),
            secret_access_key: section.s3_secret_access_key.clone(),
        })
        .map_err(|error| StartError::new("attachments", error)),
        #[cfg(not(feature = "s3"))]
        FileStore::S3 => Err(StartError::new("attachments.store", "this binary was built without `--features s3`")),
    }
}

/// The use cases over a store.
pub async fn open_api(
    config: &Config,
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
) -> Result<Api, StartError> {
    let keep_unfinished = TimeDelta::from_std(config.attachments.keep_unfinished)
        .map_err(|error| StartError::new("attachments.keep_unfinished", error))?;
    let attachments = AttachmentOptions {
        files: open_files(config)?,
        bounds: Bounds { bytes: config.attachments.max_bytes, pixels: config.attachments.max_pixels },
        max_unfinished_bytes: config.attachments.max_unfinished_bytes,
        keep_unfinished,
        max_owner_bytes: config.attachments.max_bytes_per_owner,
    };
    let trust_anchors =
        config.appraisals.anchors().map_err(|fault| StartError::new("appraisals.trust_anchors", fault))?;
    Api::open(ApiParts {
        store,
        clock,
        wall: Arc::new(SystemClock),
        ids,
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
        accounts: config.accounts.options()?,
        attachments,
        trust_anchors,
        fetch: Arc::new(SafeFetch::new(config.accounts.issuer_networks.clone())),
        second_person: config.control.second_person,
        retention: config.retention.options(),
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
    let (stop, stopping) = watch::channel(false);
    let (end, ending) = watch::channel(false);
    let readiness = Readiness::new(api.store().clone());
    let metrics = Arc::new(Metrics::new(api.store().clone(), listeners.certificate.clone()));
    let app = App::new(config, api.clone(), readiness.clone(), Arc::clone(&metrics));
    let acceptor = listeners.certificate.as_ref().map(Certificate::acceptor).transpose()?;
    let serving = Arc::new(Serving::new(&config.limits, acceptor, metrics.sockets()));
    let mut helpers = vec![
        tokio::spawn(api.authenticator().follow_revocations(told(ending.clone()))),
        tokio::spawn(api.clone().follow_page_keys(told(ending.clone()))),
        tokio::spawn(api.clone().write_denials(told(ending.clone()))),
    ];
    if let Some(certificate) = listeners.certificate {
        certificate.tell_of_its_end();
        helpers.push(tokio::spawn(certificate.follow(ending)));
    }
    if config.work {
        helpers.push(tokio::spawn(api.clone().work(told(stopping.clone()))));
    }
    let address = local(&listeners.main)?;
    let grpc_address = listeners.grpc.as_ref().map(local).transpose()?;
    let front = app.everything();
    let mut tasks = vec![tokio::spawn(Arc::clone(&serving).serve(listeners.main, front, stopping.clone()))];
    if let Some(listener) = listeners.grpc {
        let front = app.grpc();
        tasks.push(tokio::spawn(serving.serve(listener, front, stopping)));
    }
    let drain_delay = config.limits.drain_delay;
    Ok(Running { address, grpc_address, api, metrics, readiness, drain_delay, stop, listeners: tasks, end, helpers })
}

/// `recourse serve`.
pub async fn serve(mut config: Config, with_demo: Option<demo::Reach>) -> Result<(), StartError> {
    if let Some(reach) = with_demo {
        demo::check_reach(&config, reach)?;
        config.control = demo::CONTROL;
        config.retention = demo::RETENTION;
    }
    signals::outlive_hangups(config.tls.is_on());
    serving::raise_file_limit(&config.limits);
    // What fails soon comes first: a taken port is not found out after a migration.
    let listeners = Listeners::open(&config).await?;
    let store = open_store(&config).await?;
    let (clock, accounts): (Arc<dyn Clock>, _) = if with_demo.is_some() {
        let loaded = demo::prepare(&config, &store).await?;
        (Arc::new(loaded.clock), Some(loaded.accounts))
    } else {
        (Arc::new(SystemClock), None)
    };
    let api = open_api(&config, store.clone(), clock, Arc::new(RandomIds)).await?;
    let mut running = serve_on(listeners, &config, api)?;
    if let Some(address) = running.serve_metrics(config.metrics_listen).await? {
        tracing::info!(%address, "metrics are served");
    }
    let scheme = if config.tls.is_on() { "https" } else { "http" };
    tell_of_the_start(&config, &format!("{scheme}://{}", running.address));
    if with_demo.is_none() {
        for doubt in config.doubts() {
            tracing::warn!("{doubt}");
        }
    }
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
    close(&store).await;
    tracing::info!("stopped");
    #[cfg(feature = "otlp")]
    crate::otlp::end().await;
    Ok(())
}

/// What runs, in the log too: standard output is read by nobody on most machines.
fn tell_of_the_start(config: &Config, address: &str) {
    let database = config.redacted().database;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), address, database, issuer = config.issuer, "started");
}

/// Closes the store: of an embedded one, the file alone holds everything then and can be copied.
async fn close(store: &Store) {
    match tokio::time::timeout(limits::STORE_CLOSE, store.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the store was not closed well"),
        Err(_) => tracing::warn!("the store was not closed in time"),
    }
}

/// `recourse worker`.
pub async fn worker(config: Config) -> Result<(), StartError> {
    let store = open_store(&config).await?;
    let api = open_api(&config, store.clone(), Arc::new(SystemClock), Arc::new(RandomIds)).await?;
    let (stop, stopping) = watch::channel(false);
    signals::outlive_hangups(false);
    tell_of_the_start(&config, "");
    let work = tokio::spawn(api.work(told(stopping)));
    signalled().await;
    stop.send_replace(true);
    let ended = work.await.map_err(|error| StartError::new("the worker did not end well", error));
    close(&store).await;
    tracing::info!("stopped");
    ended
}

/// `recourse migrate`.
pub async fn migrate(config: Config) -> Result<(), StartError> {
    close(&open_store(&config).await?).await;
    say("the schema is up to date\n")
}

/// `recourse migrate --dry-run`.
pub(crate) async fn migrate_dry(config: &Config) -> Result<(), StartError> {
    // A file that is not there would be made by opening it.
    let missing = sqlite_file(&config.database).is_some_and(|file| !file.exists());
    let database = if missing { "sqlite::memory:".to_owned() } else { config.database.clone() };
    let store = open_as_it_is(&Config { database, ..config.clone() }).await?;
    let steps = store.pending_steps().await.map_err(|error| StartError::new("the store can't be migrated", error))?;
    let mut text = format!("-- {} steps are pending; nothing was changed\n", steps.len());
    for step in steps {
        text.push_str(&format!("\n-- {}\n", step.name));
        for statement in step.statements {
            text.push_str(&format!("{statement};\n"));
        }
    }
    crate::print(&text)
}

/// `recourse backup`.
pub(crate) async fn backup(config: &Config, file: &Path, attachments: Option<&Path>) -> Result<(), StartError> {
    let store = open_present(config).await?;
    let manifest = crate::backup::backup(&store, file).await?;
    crate::print(&format!(
        "{}: {}\nit holds secrets and personal data; keep it as you keep the database\n",
        file.display(),
        crate::backup::summary(&manifest)
    ))?;
    let files = open_files(config)?;
    match attachments {
        Some(folder) => {
            let copied = crate::copies::copy(&store, &files, folder).await?;
            crate::print(&format!(
                "{}: the bytes of {} attachments, {} pieces of them new; use it as attachments.folder of what is restored\n",
                folder.display(),
                copied.attachments,
                copied.pieces
            ))
        }
        None => {
            let place = files.folder().map_or_else(|| "the S3 store".to_owned(), |folder| folder.display().to_string());
            crate::print(&format!(
                "the bytes of attachments are not in it: they are in {place}; copy them with --attachments FOLDER\n"
            ))
        }
    }
}

/// `recourse restore`.
pub(crate) async fn restore(config: &Config, file: &Path) -> Result<(), StartError> {
    let manifest = crate::backup::check(file)?;
    let store = open_as_it_is(config).await?;
    crate::backup::restore(&store, file).await?;
    crate::print(&format!("restored {}\n", crate::backup::summary(&manifest)))
}

/// `recourse demo`.
pub async fn demo(config: Config) -> Result<(), StartError> {
    let store = open_store(&config).await?;
    let loaded = demo::prepare(&config, &store).await?;
    close(&store).await;
    say(&loaded.accounts)
}

/// `recourse create-admin`.
pub async fn create_admin(config: Config, user_name: &str) -> Result<(), StartError> {
    let store = open_store(&config).await?;
    let api = open_api(&config, store.clone(), Arc::new(SystemClock), Arc::new(RandomIds)).await?;
    let password = api
        .create_first_admin(user_name)
        .await
        .map_err(|refusal| StartError::new("the administrator can't be created", refusal.text.en))?;
    close(&store).await;
    say(&format!(
        "user name: {user_name}\nfirst password: {password}\nit works until it is changed: POST /v1/users/me:changePassword\n"
    ))
}

/// `recourse rotate-keys`.
pub async fn rotate_keys(config: Config, after: TimeDelta, end_old: bool) -> Result<(), StartError> {
    let store = open_known(&config).await?;
    let api = open_api(&config, store, Arc::new(SystemClock), Arc::new(RandomIds)).await?;
    let (kid, activates) = api
        .rotate_keys(after, end_old)
        .await
        .map_err(|refusal| StartError::new("the keys can't be rotated", refusal.text.en))?;
    say(&format!("key {kid} signs from {activates}\n"))
}

/// `recourse rotate-keys --page-tokens`.
pub async fn rotate_page_key(config: Config, after: TimeDelta, end_old: bool) -> Result<(), StartError> {
    let store = open_known(&config).await?;
    let api = open_api(&config, store, Arc::new(SystemClock), Arc::new(RandomIds)).await?;
    let begins = api
        .rotate_page_key(after, end_old)
        .await
        .map_err(|refusal| StartError::new("the key can't be rotated", refusal.text.en))?;
    let old = if end_old { "no token of before works any more" } else { "tokens of before work for a day more" };
    say(&format!("the next key seals page tokens from {begins}; {old}\n"))
}

/// `recourse rotate-keys --conclusions`.
pub async fn rotate_conclusion_key(config: Config) -> Result<(), StartError> {
    let store = open_known(&config).await?;
    let api = open_api(&config, store, Arc::new(SystemClock), Arc::new(RandomIds)).await?;
    let kid = api
        .rotate_conclusion_key()
        .await
        .map_err(|refusal| StartError::new("the key can't be rotated", refusal.text.en))?;
    say(&format!("key {kid} signs conclusions from now on; what the keys before it signed verifies for ever\n"))
}

fn say(text: &str) -> Result<(), StartError> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| StartError::new("standard output", error))
}
