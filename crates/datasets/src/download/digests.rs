//! Checksums of whole files.

use std::{fs::File, io::Read, path::Path};

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::Error;

/// Checksums in small hexadecimal digits: MD5, which authors publish, and SHA-256, which nobody can forge.
pub(super) struct Digests {
    pub(super) md5: String,
    pub(super) sha256: String,
}

impl Digests {
    /// Those of what is left of a file; `path` names it in errors.
    pub(super) fn of(mut file: File, path: &Path) -> Result<Self, Error> {
        let (mut md5, mut sha256, mut buffer) = (Md5::new(), Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer).map_err(|source| Error::Read { path: path.to_path_buf(), source })? {
                0 => {
                    return Ok(Self {
                        md5: hexadecimal(&md5.finalize()),
                        sha256: hexadecimal(&sha256.finalize()),
                    });
                }
                read => {
                    md5.update(&buffer[..read]);
                    sha256.update(&buffer[..read]);
                }
            }
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
