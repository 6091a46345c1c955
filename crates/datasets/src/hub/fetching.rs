//! From the Hub into its cache folder.

use std::{
    fs,
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use hf_hub::{HFClient, HFClientSync, repository::RepoTreeEntry};
use progress::Progress;

use super::cache::{folder, unfinished};
use crate::{Error, HubError, Repository, address::without_credentials, images::store::MOST_IN_MEMORY};

/// The revision that candle-datasets asks for: the Hub's conversion of a data set to Parquet.
const REVISION: &str = "refs/convert/parquet";

/// More files than any data set that is read here has.
const MOST_FILES: usize = 10_000;

/// How often the caller hears of the transfer, and is asked whether to stop.
const EVERY: Duration = Duration::from_millis(100);

/// Fetches the Parquet files of a data set into a cache folder of the Hub, from a server or, without one, from what
/// `HF_ENDPOINT` names or the Hub itself. Files that are there are not fetched again. A token of the user's for the Hub is sent
/// to the server, so name only one that may know it.
///
/// # Errors
/// * [`Error::Hub`] if the server cannot be reached, has no such data set, or has more than can be read;
/// * [`Error::Interrupted`]; what is under way ends with the program, and [`load`](super::load) refuses the set until it is fetched
///   again.
pub fn fetch(
    repository: &Repository,
    cache: &Path,
    server: Option<&str>,
    progress: &Progress,
) -> Result<(), Error> {
    let failed = |problem: String| {
        Error::Hub(HubError::Fetch {
            repository: repository.to_string(),
            problem: without_credentials(&problem),
        })
    };
    let mut client = HFClient::builder().cache_dir(cache);
    if let Some(server) = server {
        client = client.endpoint(server);
    }
    let client = client.build_sync().map_err(|error| failed(error.to_string()))?;
    let pass = progress.bytes(repository.as_str());
    let (id, root) = (repository.id().to_owned(), folder(cache, repository));
    let blobs = root.join("blobs");
    let fetching = in_background(move || fetch_all(&client, &id, &root));
    let fetching = fetching.map_err(|error| failed(error.to_string()))?;
    loop {
        match fetching.recv_timeout(EVERY) {
            Ok(fetched) => return fetched.map_err(failed),
            Err(RecvTimeoutError::Timeout) => pass.set_position(bytes_in(&blobs)),
            Err(RecvTimeoutError::Disconnected) => return Err(failed("the transfer failed".to_owned())),
        }
        progress.check()?;
    }
}

/// Fetches the files of a repository into its folder, which is marked until all are there.
fn fetch_all(client: &HFClientSync, id: &str, root: &Path) -> Result<(), String> {
    check(client, id)?;
    let mark = unfinished(root);
    let marked = files::create_folders(root).and_then(|()| files::write_atomically(&mark, b""));
    marked.map_err(|error| error.to_string())?;
    candle_datasets::hub::from_hub(client, id.to_owned()).map_err(|error| error.to_string())?;
    files::remove_file(&mark).map_err(|error| error.to_string())
}

/// What a thread of its own gives in the end. The libraries that transfer know no time limit and cannot be stopped.
fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<mpsc::Receiver<T>> {
    let (done, waiting) = mpsc::channel();
    // Nobody waits any more if the caller was interrupted.
    thread::Builder::new().name("hub".to_owned()).spawn(move || drop(done.send(work())))?;
    Ok(waiting)
}

/// Whether the files that will be fetched lie in the repository's folder, and can be read: there are not too many bytes.
fn check(client: &HFClientSync, id: &str) -> Result<(), String> {
    let (owner, name) = hf_hub::split_id(id);
    let tree =
        client.dataset(owner, name).list_tree().revision(REVISION).recursive(true).limit(MOST_FILES).send();
    let mut bytes = 0_u64;
    for entry in tree.map_err(|error| error.to_string())? {
        if let RepoTreeEntry::File { path, size, .. } = entry {
            if !path.ends_with(".parquet") {
                continue;
            }
            if path.starts_with('/') || path.split('/').any(|step| matches!(step, "" | "." | "..")) {
                return Err(format!("a file at `{path}`, outside of the data set"));
            }
            bytes = bytes.saturating_add(size);
        }
    }
    match bytes {
        0 => Err("no Parquet files".to_owned()),
        bytes if bytes > MOST_IN_MEMORY => {
            Err(format!("{bytes} bytes of files, more than the {MOST_IN_MEMORY} that can be read"))
        }
        _ => Ok(()),
    }
}

/// Bytes of the files in a folder; none where there is none.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum()
}
