//! A connection to another rank.

use std::{
    io,
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::frame::Frame;
use crate::{buffers::Buffers, mailbox::Mailbox};

/// How often a rank that has nothing to say says that it is there.
const SIGN: Duration = Duration::from_secs(1);

/// How long after its goodbye a rank counts as gone: others' goodbyes may still be under way, and say why it went.
const AFTER_GOODBYE: Duration = Duration::from_secs(5);

/// What all connections of a rank share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) mailbox: Mailbox,
    pub(super) buffers: Buffers,
}

/// The threads of a connection.
#[derive(Debug)]
pub(super) struct Link {
    queue: Sender<Frame>,
    writer: JoinHandle<()>,
    reader: JoinHandle<()>,
}

impl Link {
    /// To this rank.
    pub(super) fn new(stream: TcpStream, other: usize, shared: &Arc<Shared>) -> io::Result<Self> {
        let (queue, frames) = channel();
        let (to_read, of_reader, of_writer) = (stream.try_clone()?, Arc::clone(shared), Arc::clone(shared));
        let named = |what: &str| thread::Builder::new().name(format!("{what} rank {other}"));
        Ok(Self {
            queue,
            writer: named("to").spawn(move || write(stream, &frames, &of_writer))?,
            reader: named("from").spawn(move || read(to_read, other, &of_reader))?,
        })
    }

    /// Sends this when all that was sent before has left. To one who has gone nothing is sent.
    pub(super) fn send(&self, frame: Frame) {
        let _ = self.queue.send(frame);
    }

    /// Whether nothing more is written.
    pub(super) fn is_written(&self) -> bool {
        self.writer.is_finished()
    }

    /// Whether both ends have said goodbye, or the connection is broken.
    pub(super) fn is_over(&self) -> bool {
        self.writer.is_finished() && self.reader.is_finished()
    }
}

fn write(mut stream: TcpStream, frames: &Receiver<Frame>, shared: &Shared) {
    loop {
        let frame = match frames.recv_timeout(SIGN) {
            Ok(frame) => frame,
            Err(RecvTimeoutError::Timeout) => Frame::Alive,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if frame.write(&mut stream).is_err() {
            // The reader finds that out as well.
            return;
        }
        match frame {
            Frame::Message(bytes) => shared.buffers.give(bytes),
            Frame::Alive => {}
            Frame::Goodbye | Frame::Abort(_) => {
                let _ = stream.shutdown(Shutdown::Write);
                return;
            }
        }
    }
}

fn read(mut stream: TcpStream, other: usize, shared: &Shared) {
    let mailbox = &shared.mailbox;
    loop {
        match Frame::read(&mut stream, &shared.buffers, || mailbox.hear(other)) {
            Ok(Frame::Message(bytes)) => mailbox.put(other, bytes),
            Ok(Frame::Alive) => mailbox.hear(other),
            Ok(Frame::Goodbye) => return mailbox.lose(other, AFTER_GOODBYE),
            Ok(Frame::Abort(code)) => std::process::exit(code),
            Err(_) => {
                // Whoever writes to it need not wait.
                let _ = stream.shutdown(Shutdown::Both);
                return mailbox.lose(other, Duration::ZERO);
            }
        }
    }
}
