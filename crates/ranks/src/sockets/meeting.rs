//! How ranks that know where rank 0 is find each other.
//!
//! Rank 0 listens at the address that all know. The others go there, say who they are and where they listen, and get the list of all.
//! Then each goes to those between rank 0 and itself, so that in the end every two have a connection.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    thread,
    time::{Duration, Instant},
};

use super::hello::{Answer, Hello, WORD, hear, say};

/// How long to wait before looking again.
const AGAIN: Duration = Duration::from_millis(20);

/// After how long rank 0 says for whom it waits, and another rank that it waits for rank 0.
const SILENT: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// Who hears for whom a process waits, in words.
pub type Waiting<'a> = dyn Fn(&str) + 'a;

/// What a rank knows before it has met others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meeting {
    pub(crate) rank: usize,
    pub(crate) size: usize,
    /// Where rank 0 is.
    pub(crate) host: String,
    /// Ports of which rank 0 takes the first that is free.
    pub(crate) ports: Vec<u16>,
    /// What tells this run from others that meet there.
    pub(crate) run: String,
}

/// All have met.
#[derive(Debug)]
pub(super) struct Met {
    /// What each rank is called.
    pub(super) places: Vec<String>,
    /// A connection to each other rank.
    pub(super) streams: Vec<Option<TcpStream>>,
}

/// Where a rank is reached, and the name of its machine.
type Place = (String, u32, String);

impl Meeting {
    /// Waits for all ranks, as long as this at most.
    pub(super) fn meet(&self, patience: Duration, waiting: &Waiting<'_>) -> Result<Met, String> {
        let began = Instant::now();
        let until = began + patience;
        let met = if self.rank == 0 { self.receive_all(until, waiting) } else { self.go(until, waiting) };
        met.map_err(|problem| {
            // What is refused at once was not waited for.
            let waited = if Instant::now() < until {
                ""
            } else {
                &format!(" (waited {} s)", began.elapsed().as_secs())
            };
            format!("{problem}{waited}")
        })
    }

    fn at(&self) -> String {
        let [first, .., last] = self.ports[..] else { return format!("{}:{}", self.host, self.ports[0]) };
        format!("{}:{first} to {last}", self.host)
    }

    fn hello(&self, port: u16) -> Hello {
        Hello {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            run: self.run.clone(),
            rank: self.rank,
            size: self.size,
            port: port.into(),
            machine: machine(),
        }
    }

    /// On rank 0: until all others are here.
    fn receive_all(&self, until: Instant, waiting: &Waiting<'_>) -> Result<Met, String> {
        let listen = |&port: &u16| listen(&self.host, port);
        let listener = self.ports.iter().map(listen).reduce(Result::or).expect("a port");
        let listener = listener.map_err(|error| {
            let at = self.at();
            format!("rank 0 cannot listen at {at}: {error}; set MASTER_PORT to a port that is free")
        })?;
        let mut streams: Vec<Option<TcpStream>> = (0..self.size).map(|_| None).collect();
        let mut places: Vec<Place> = vec![(String::new(), 0, machine()); self.size];
        let mut silent = Some(Instant::now() + SILENT[0]).filter(|silent| *silent < until);
        while streams[1..].iter().any(Option::is_none) {
            let next = accept(&listener, silent.unwrap_or(until)).map_err(|error| error.to_string())?;
            let Some((mut stream, from)) = next else {
                if silent.take().is_none() {
                    return Err(self.missing(&streams));
                }
                waiting(&self.missing(&streams));
                continue;
            };
            let Some(hello) = greeted(&mut stream, |hello| self.answer(hello, 1, &streams)) else { continue };
            places[hello.rank] = (from.ip().to_string(), hello.port, hello.machine);
            streams[hello.rank] = Some(stream);
        }
        for stream in streams.iter_mut().flatten() {
            say(stream, &places).map_err(|error| format!("a rank has gone while others came: {error}"))?;
        }
        Ok(Met { places: names(&places), streams })
    }

    fn missing(&self, streams: &[Option<TcpStream>]) -> String {
        let missing = (1..self.size).filter(|&rank| streams[rank].is_none());
        let missing: Vec<String> = missing.map(|rank| rank.to_string()).collect();
        format!("of {} ranks these have not come to {}: {}", self.size, self.at(), missing.join(", "))
    }

    /// What is said to somebody who comes; ranks from `first` on are expected.
    fn answer(&self, hello: &Hello, first: usize, streams: &[Option<TcpStream>]) -> Answer {
        let own = self.hello(0);
        if hello.run != own.run {
            Answer::Stranger
        } else if hello.version != own.version {
            Answer::OtherVersion
        } else if hello.size != own.size || !(first..own.size).contains(&hello.rank) {
            Answer::OtherSize
        } else if streams[hello.rank].is_some() {
            Answer::RankIsTaken
        } else {
            Answer::Welcome
        }
    }

    /// On other ranks.
    fn go(&self, until: Instant, waiting: &Waiting<'_>) -> Result<Met, String> {
        let listener = listen(&self.host, 0).map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let hello = self.hello(port);
        let mut first = self.reach_first(&hello, until, waiting)?;
        let gone = |error: io::Error| format!("rank 0 has not brought all together: {error}");
        let places: Vec<Place> = hear(&mut first, until).map_err(gone)?;
        if places.len() != self.size {
            return Err(format!("rank 0 knows {} ranks instead of {}", places.len(), self.size));
        }
        let address = first.peer_addr().map_err(gone)?.ip();
        let mut streams: Vec<Option<TcpStream>> = (0..self.size).map(|_| None).collect();
        streams[0] = Some(first);
        for (rank, place) in places.iter().enumerate().take(self.rank).skip(1) {
            streams[rank] = Some(reach_other(rank, place, address, &hello)?);
        }
        while streams[self.rank + 1..].iter().any(Option::is_none) {
            let Some((mut stream, _)) = accept(&listener, until).map_err(|error| error.to_string())? else {
                return Err(self.missing(&streams));
            };
            let answer = |hello: &Hello| self.answer(hello, self.rank + 1, &streams);
            let Some(hello) = greeted(&mut stream, answer) else { continue };
            streams[hello.rank] = Some(stream);
        }
        Ok(Met { places: names(&places), streams })
    }

    /// A connection to rank 0, once it listens.
    fn reach_first(&self, hello: &Hello, until: Instant, waiting: &Waiting<'_>) -> Result<TcpStream, String> {
        let mut last = "nobody listens there".to_owned();
        let mut silent = Some(Instant::now() + SILENT[1]);
        while Instant::now() < until {
            if silent.take_if(|silent| *silent < Instant::now()).is_some() {
                waiting(&format!("rank {} has not reached rank 0 at {}: {last}", self.rank, self.at()));
            }
            for &port in &self.ports {
                match self.ask(port, hello) {
                    Ok((stream, Answer::Welcome)) => return Ok(stream),
                    Ok((_, Answer::Stranger)) => "another run meets there".clone_into(&mut last),
                    Ok((_, refusal)) => return Err(self.refusal(refusal)),
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                    Err(error) => last = error.to_string(),
                }
            }
            thread::sleep(AGAIN);
        }
        Err(format!("rank {} cannot reach rank 0 at {}: {last}", self.rank, self.at()))
    }

    fn ask(&self, port: u16, hello: &Hello) -> io::Result<(TcpStream, Answer)> {
        let mut last = io::Error::from(ErrorKind::NotFound);
        for address in (self.host.as_str(), port).to_socket_addrs()? {
            match introduced(address, hello) {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn refusal(&self, answer: Answer) -> String {
        let (rank, size) = (self.rank, self.size);
        match answer {
            Answer::OtherVersion => {
                format!("rank 0 runs another version than {} of rank {rank}", env!("CARGO_PKG_VERSION"))
            }
            Answer::RankIsTaken => format!("there are two processes that are rank {rank}"),
            _ => format!("rank {rank} was told of {size} ranks, and rank 0 of another number"),
        }
    }
}

/// Goes to a rank at the place that rank 0 has seen it at. One on rank 0's own machine is where rank 0 is.
fn reach_other(rank: usize, place: &Place, first: IpAddr, hello: &Hello) -> Result<TcpStream, String> {
    let (address, port, machine) = place;
    let problem = |problem: String| {
        format!("rank {} cannot reach rank {rank} ({machine}) at {address}:{port}: {problem}", hello.rank)
    };
    let seen: IpAddr = address.parse().map_err(|_| problem("this is no address".to_owned()))?;
    let ip = if seen.to_canonical().is_loopback() { first } else { seen };
    let port = u16::try_from(*port).map_err(|_| problem("this is no port".to_owned()))?;
    match introduced(SocketAddr::new(ip, port), hello) {
        Ok((stream, Answer::Welcome)) => Ok(stream),
        Ok((_, answer)) => Err(problem(format!("it answers {answer:?}"))),
        Err(error) => Err(problem(error.to_string())),
    }
}

/// A connection, and what the other end answers.
fn introduced(address: SocketAddr, hello: &Hello) -> io::Result<(TcpStream, Answer)> {
    let mut stream = TcpStream::connect_timeout(&address, WORD)?;
    stream.set_nodelay(true)?;
    say(&mut stream, hello)?;
    let answer = hear(&mut stream, Instant::now() + 10 * WORD)?;
    Ok((stream, answer))
}

/// Answers somebody who came; who it is, if it is welcome.
fn greeted(stream: &mut TcpStream, answer: impl Fn(&Hello) -> Answer) -> Option<Hello> {
    stream.set_nonblocking(false).ok()?;
    stream.set_nodelay(true).ok()?;
    let hello: Hello = hear(stream, Instant::now() + WORD).ok()?;
    let answer = answer(&hello);
    say(stream, &answer).ok()?;
    (answer == Answer::Welcome).then_some(hello)
}

/// The next one who comes before this moment.
fn accept(listener: &TcpListener, until: Instant) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    listener.set_nonblocking(true)?;
    while Instant::now() < until {
        match listener.accept() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(AGAIN / 10),
            // Who came has gone again.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            accepted => return accepted.map(Some),
        }
    }
    Ok(None)
}

/// The addresses that rank 0, or another one, listens at: those of this machine alone where the host says so.
fn addresses(host: &str) -> Vec<IpAddr> {
    match host.parse::<IpAddr>() {
        Ok(address) if address.to_canonical().is_loopback() => vec![address],
        _ if host == "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        // Where there is version 6, its unspecified address takes version 4 as well.
        _ => vec![Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()],
    }
}

/// Listens at the first of a host's addresses that this machine has.
fn listen(host: &str, port: u16) -> io::Result<TcpListener> {
    let mut outcome = Err(ErrorKind::AddrNotAvailable.into());
    for address in addresses(host) {
        outcome = TcpListener::bind(SocketAddr::new(address, port));
        match &outcome {
            // Somebody is there: whoever goes to the port would find that one.
            Err(error) if error.kind() != ErrorKind::AddrInUse => {}
            _ => break,
        }
    }
    outcome
}

fn names(places: &[Place]) -> Vec<String> {
    places.iter().enumerate().map(|(rank, (_, _, machine))| format!("rank {rank} ({machine})")).collect()
}

/// What this machine is called.
fn machine() -> String {
    let of_kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = of_kernel.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    let name: String = name.trim().chars().filter(|letter| letter.is_ascii_graphic()).take(64).collect();
    if name.is_empty() { "a machine without a name".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_one_machine_listen_to_it_alone() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(addresses(host).iter().all(|address| address.to_canonical().is_loopback()), "{host}");
        }
        assert_eq!(addresses("::1"), [Ipv6Addr::LOCALHOST]);
        for host in ["node1", "10.0.0.1", "fe80::1", "localhost.example"] {
            assert!(addresses(host).iter().all(IpAddr::is_unspecified), "{host}");
        }
    }
}
