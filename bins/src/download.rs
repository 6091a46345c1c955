//! The archives of CIFAR from where their authors publish them.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use indicatif::ProgressBar;
use md5::{Digest, Md5};
use training::FolderLock;

use crate::terminal::Terminal;

/// A file on a server.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    /// Its name.
    pub name: &'static str,
    /// The folder that it is in.
    pub server: String,
    /// Its checksum, as its authors publish it.
    pub md5: &'static str,
}

impl Archive {
    /// The binary version of CIFAR-10.
    pub(crate) fn cifar10() -> Self {
        Self::of_toronto("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530")
    }

    /// The binary version of CIFAR-100.
    pub(crate) fn cifar100() -> Self {
        Self::of_toronto("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8")
    }

    /// The same from another server, if one is named.
    pub(crate) fn at(self, mirror: Option<&str>) -> Self {
        Self { server: mirror.map_or(self.server, ToOwned::to_owned), ..self }
    }

    fn of_toronto(name: &'static str, md5: &'static str) -> Self {
        Self { name, server: "https://www.cs.toronto.edu/~kriz".to_owned(), md5 }
    }
}

/// More than any of the archives has.
const LARGEST: u64 = 1 << 30;

/// How long a server may say nothing, and how often a transfer that breaks off is taken up again.
#[derive(Debug, Clone, Copy)]
struct Patience {
    silence: Duration,
    attempts: usize,
}

const PATIENCE: Patience = Patience { silence: Duration::from_secs(30), attempts: 5 };

/// The user's folder for what can be fetched again.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let at = |variable: &str, below: &str| {
        std::env::var_os(variable)
            .filter(|value| !value.is_empty())
            .map(|folder| Path::new(&folder).join(below))
    };
    let cache = at("XDG_CACHE_HOME", "freqbias").or_else(|| at("LOCALAPPDATA", "freqbias"));
    let cache = cache.or_else(|| at("HOME", ".cache/freqbias"));
    cache.context("there is no HOME for a cache folder: name a folder with --data")
}

/// Fetches an archive into a folder, unless it is there. A transfer that was broken off goes on where it stopped; the file has its name
/// only once its checksum is right.
///
/// # Errors
/// If the server cannot be reached or breaks off without sending anything, or what it sent is something else.
pub(crate) fn fetch(archive: &Archive, folder: &Path, terminal: Terminal) -> anyhow::Result<PathBuf> {
    let bar = terminal.bytes_bar(archive.name.to_owned());
    let fetched = fetch_with(archive, folder, PATIENCE, &bar);
    bar.finish_and_clear();
    fetched
}

fn fetch_with(
    archive: &Archive,
    folder: &Path,
    patience: Patience,
    bar: &ProgressBar,
) -> anyhow::Result<PathBuf> {
    let target = folder.join(archive.name);
    if target.is_file() {
        return Ok(target);
    }
    let _lock = FolderLock::take(folder)?;
    let part = folder.join(format!(".{}.part", archive.name));
    let url = format!("{}/{}", archive.server, archive.name);
    transfer(&url, &part, patience, bar)?;
    let found = checksum(&part)?;
    if found != archive.md5 {
        fs::remove_file(&part).with_context(|| format!("cannot remove {}", part.display()))?;
        anyhow::bail!(
            "{url}: what was sent has the MD5 checksum {found}, expected {}; it was removed; try again, or fetch the file by hand",
            archive.md5
        );
    }
    fs::rename(&part, &target).with_context(|| format!("cannot write {}", target.display()))?;
    Ok(target)
}

/// Fetches what of a file is missing, again and again as long as something comes.
fn transfer(url: &str, part: &Path, patience: Patience, bar: &ProgressBar) -> anyhow::Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(patience.silence))
        .timeout_recv_response(Some(patience.silence))
        .timeout_per_read(Some(patience.silence))
        .http_status_as_error(false)
        .build()
        .into();
    let (mut attempt, at_first) = (0, length(part));
    loop {
        attempt += 1;
        let before = length(part);
        match append(&agent, url, part, before, bar) {
            Ok(()) => return Ok(()),
            Err(_) if attempt < patience.attempts && length(part) > before => {}
            Err(error) => {
                let what = match length(part) {
                    now if now > at_first => {
                        format!("broken off after {now} bytes; give the same command to go on")
                    }
                    _ => "nothing came; check the network and --mirror".to_owned(),
                };
                return Err(error
                    .context(format!("{url}: {what}, or fetch the file by hand and name it with --data")));
            }
        }
    }
}

/// One request: from byte `from` on if the server can do that, else all of it.
fn append(agent: &ureq::Agent, url: &str, part: &Path, from: u64, bar: &ProgressBar) -> anyhow::Result<()> {
    let mut response = agent.get(url).header("Range", format!("bytes={from}-")).call()?;
    let unwritable = || format!("cannot write {}", part.display());
    let mut start = from;
    let mut file = match response.status().as_u16() {
        206 => File::options().append(true).create(true).open(part).with_context(unwritable)?,
        200 => {
            start = 0;
            File::create(part).with_context(unwritable)?
        }
        // All of it is there, or more than all: the checksum will tell.
        416 if from > 0 => return Ok(()),
        status => anyhow::bail!("the server answered with status {status}, expected 200 or 206"),
    };
    let rest = response.body().content_length();
    bar.set_length(rest.map_or(0, |rest| start.saturating_add(rest)));
    bar.set_position(start);
    let mut body = response.body_mut().with_config().limit(LARGEST).reader();
    let received = copy(&mut body, &mut file, bar)?;
    if rest.is_some_and(|rest| received < rest) {
        anyhow::bail!("the server sent {received} bytes of {}", rest.unwrap_or_default());
    }
    file.sync_all().with_context(unwritable)
}

fn copy(from: &mut impl Read, to: &mut File, bar: &ProgressBar) -> io::Result<u64> {
    let (mut buffer, mut received) = (vec![0; 1 << 16], 0);
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(received),
            read => {
                to.write_all(&buffer[..read])?;
                received += read as u64;
                bar.inc(read as u64);
            }
        }
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

fn checksum(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let (mut digest, mut buffer) = (Md5::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).with_context(|| path.display().to_string())? {
            0 => return Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => digest.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        net::{TcpListener, TcpStream},
        sync::{Arc, Mutex},
        thread,
    };

    use super::*;

    const CONTENT: &[u8] = &[7; 100_000];
    const MD5: &str = "3b47e2cb85ad96a9088073ee43e814c6";
    const QUICK: Patience = Patience { silence: Duration::from_millis(300), attempts: 3 };

    /// A server on loopback; the ranges that it was asked for.
    fn serve(answer: impl Fn(TcpStream, u64) + Send + 'static) -> (Archive, Arc<Mutex<Vec<u64>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let from = request(&stream);
                log.lock().expect("a log").push(from);
                answer(stream, from);
            }
        });
        (Archive { name: "set.tar.gz", server, md5: MD5 }, asked)
    }

    /// Reads a request; the byte from which on it wants the file.
    fn request(stream: &TcpStream) -> u64 {
        let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let ranges = lines.filter_map(|line| {
            line.to_lowercase().strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
        });
        ranges.last().unwrap_or(0)
    }

    /// Sends the content from a byte on, `most` bytes of it.
    fn send(mut stream: TcpStream, from: u64, content: &[u8], most: usize) {
        let rest = &content[from as usize..];
        let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len());
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&rest[..most.min(rest.len())]);
    }

    fn fetch_quickly(archive: &Archive, folder: &Path) -> anyhow::Result<PathBuf> {
        fetch_with(archive, folder, QUICK, &ProgressBar::hidden())
    }

    #[test]
    fn a_whole_answer_is_put_in_place_and_not_fetched_again() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (archive, asked) = serve(|stream, from| send(stream, from, CONTENT, usize::MAX));
        for _ in 0..2 {
            let path = fetch_quickly(&archive, folder.path())?;
            assert_eq!(
                (path.file_name().and_then(|name| name.to_str()), fs::read(&path)? == CONTENT),
                (Some("set.tar.gz"), true)
            );
        }
        assert_eq!(*asked.lock().expect("a log"), [0]);
        assert!(!folder.path().join(".set.tar.gz.part").exists());
        Ok(())
    }

    #[test]
    fn a_transfer_that_breaks_off_goes_on_where_it_stopped() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (archive, asked) = serve(|stream, from| send(stream, from, CONTENT, 30_000));
        let said = format!(
            "{:#}",
            fetch_quickly(&archive, folder.path()).expect_err("three attempts send 90,000 bytes")
        );
        assert!(said.contains("broken off after 90000 bytes"), "{said}");
        assert!(!folder.path().join("set.tar.gz").exists());
        fetch_quickly(&archive, folder.path())?;
        assert_eq!(*asked.lock().expect("a log"), [0, 30_000, 60_000, 90_000]);
        assert!(fs::read(folder.path().join("set.tar.gz"))? == CONTENT);
        Ok(())
    }

    #[test]
    fn wrong_bytes_are_removed() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (archive, _) = serve(|stream, from| send(stream, from, &[8; 100_000], usize::MAX));
        let said = format!("{:#}", fetch_quickly(&archive, folder.path()).expect_err("another file"));
        assert!(said.contains("MD5") && said.contains(MD5), "{said}");
        let left: Vec<_> =
            fs::read_dir(folder.path())?.filter_map(Result::ok).map(|entry| entry.file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().contains("set.tar.gz")), "{left:?}");
        Ok(())
    }

    #[test]
    fn a_server_that_never_answers_or_refuses_is_an_error_soon() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (silent, _) = serve(|stream, _| {
            thread::sleep(Duration::from_secs(5));
            drop(stream);
        });
        let started = std::time::Instant::now();
        let said = format!("{:#}", fetch_quickly(&silent, folder.path()).expect_err("silence"));
        assert!(
            said.contains("nothing came; check the network and --mirror")
                && started.elapsed() < Duration::from_secs(4),
            "{said}"
        );
        let (refusing, _) = serve(|mut stream, _| {
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        });
        let said = format!("{:#}", fetch_quickly(&refusing, folder.path()).expect_err("no such file"));
        assert!(said.contains("status 404"), "{said}");
        Ok(())
    }
}
