//! From a server into a file.

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use files::{Action, Output, Part, failed};
use progress::Pass;
use ureq::{Body, http::Response};

use crate::{DownloadError, Error, address::without_credentials};

/// How long a server may say nothing, and how often a transfer that breaks off is resumed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) silence: Duration,
    pub(super) attempts: usize,
}

pub(super) const PATIENCE: Patience = Patience { silence: Duration::from_secs(30), attempts: 5 };

/// Why a request did not give all that is missing.
enum Failure {
    /// The network or the server; another request may give more.
    Transfer(String),
    /// Something that another request does not change.
    Final(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl From<files::Error> for Failure {
    fn from(error: files::Error) -> Self {
        Self::Final(error.into())
    }
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        Self::Transfer(without_credentials(&error.to_string()))
    }
}

/// Fetches what of a file is missing, again and again as long as something comes. The file has no more than `size` bytes.
pub(super) fn transfer(
    url: &str,
    part: &Part,
    size: u64,
    patience: Patience,
    pass: &Pass<'_>,
) -> Result<(), Error> {
    let source = Source { agent: agent(url, patience), url, size, pass };
    let (mut attempt, at_first) = (0, part.length());
    loop {
        attempt += 1;
        let before = part.length();
        match source.append(part, before) {
            Ok(()) => return Ok(()),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Transfer(_)) if attempt < patience.attempts && part.length() > before => {}
            Err(Failure::Transfer(problem)) => {
                let (url, received) = (without_credentials(url), part.length());
                return Err(match received > at_first {
                    true => Error::Download(DownloadError::BrokenOff { url, received, problem }),
                    false => Error::Download(DownloadError::NothingReceived { url, problem }),
                });
            }
        }
    }
}

/// Requests with a limit of time; those to `https` never go on to `http`.
pub(super) fn agent(url: &str, patience: Patience) -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_connect(Some(patience.silence))
        .timeout_recv_response(Some(patience.silence))
        .timeout_per_read(Some(patience.silence))
        .http_status_as_error(false)
        // Of redirections too.
        .https_only(url.starts_with("https://"))
        .build()
        .into()
}

/// A file on a server.
struct Source<'a> {
    agent: ureq::Agent,
    url: &'a str,
    size: u64,
    pass: &'a Pass<'a>,
}

impl Source<'_> {
    /// One request: from byte `from` on if the server can do that, else all of it.
    fn append(&self, part: &Part, from: u64) -> Result<(), Failure> {
        self.pass.check().map_err(Error::from)?;
        let mut response = self.agent.get(self.url).header("Range", format!("bytes={from}-")).call()?;
        let (start, mut file) = match response.status().as_u16() {
            206 => (from, part.append()?),
            200 => (0, part.start()?),
            // All of it is there, or more than all: the checksum will tell.
            416 if from > 0 => return Ok(()),
            status => {
                let problem = format!("the server answered with status {status}, expected 200 or 206");
                return Err(Failure::Transfer(problem));
            }
        };
        let rest = response.body().content_length();
        if rest.is_some_and(|rest| start.saturating_add(rest) > self.size) {
            return Err(self.oversized().into());
        }
        self.pass.set_length(start.saturating_add(rest.unwrap_or(0)));
        self.pass.set_position(start);
        let received = self.copy(&mut response, start, part, &mut file)?;
        if let Some(rest) = rest.filter(|&rest| received < rest) {
            return Err(Failure::Transfer(format!("the server sent {received} bytes of {rest}")));
        }
        Ok(part.sync(&file)?)
    }

    /// Appends a body to the file; gives the number of its bytes.
    fn copy(
        &self,
        response: &mut Response<Body>,
        start: u64,
        part: &Part,
        file: &mut Output,
    ) -> Result<u64, Failure> {
        let most = self.size.saturating_sub(start);
        // One byte more tells a body that is too long.
        let mut body = response.body_mut().with_config().limit(most.saturating_add(2)).reader();
        let (mut buffer, mut received) = (vec![0; 1 << 16], 0);
        loop {
            self.pass.check().map_err(Error::from)?;
            let read = match body.read(&mut buffer) {
                Ok(0) => return Ok(received),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::Transfer(without_credentials(&error.to_string()))),
            };
            received += read as u64;
            if received > most {
                part.remove()?;
                return Err(self.oversized().into());
            }
            file.write_all(&buffer[..read]).map_err(failed(Action::Write, part.path()))?;
            self.pass.advance(read);
        }
    }

    fn oversized(&self) -> Error {
        Error::Download(DownloadError::Oversized { url: without_credentials(self.url), most: self.size })
    }
}
