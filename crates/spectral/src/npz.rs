//! NumPy archives of several arrays.

use std::{
    io::{self, Cursor, Write},
    path::Path,
};

use files::{Action, failed, write_atomically};
use npyz::WriterBuilder;

use crate::Error;

/// An array of a NumPy archive, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// What NumPy calls it: `archive[name]`.
    pub name: String,
    /// Its sides.
    pub shape: Vec<usize>,
    /// As many values as the sides have places.
    pub values: Vec<f64>,
}

impl Array {
    /// An array of these sides.
    pub fn new(name: impl Into<String>, shape: &[usize], values: Vec<f64>) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), values }
    }

    /// Writes a NumPy archive (`.npz`) of arrays of f64, whole or not at all.
    ///
    /// ```
    /// use spectral::Array;
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("map.npz");
    /// Array::save_npz(&path, &[Array::new("mean", &[1, 2], vec![0.5, 1.5])])?;
    /// assert!(std::fs::read(path)?.starts_with(b"PK"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be written, or an array has another number of values than its sides say.
    pub fn save_npz(path: &Path, arrays: &[Self]) -> Result<(), Error> {
        if let Some(Self { values, shape, .. }) =
            arrays.iter().find(|array| array.values.len() != array.shape.iter().product::<usize>())
        {
            let (found, expected) = (values.len(), shape.iter().product());
            return Err(Error::Count { what: "values of an array", found, expected });
        }
        Ok(write_atomically(path, &npz(arrays).map_err(failed(Action::Write, path))?)?)
    }
}

fn npz(arrays: &[Array]) -> io::Result<Vec<u8>> {
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for Array { name, shape, values } in arrays {
        let mut bytes = Vec::new();
        let shape: Vec<u64> = shape.iter().map(|&side| side as u64).collect();
        let mut writer =
            npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes).begin_nd()?;
        writer.extend(values.iter().copied())?;
        writer.finish()?;
        archive.start_file(format!("{name}.npy"), stored).map_err(io::Error::other)?;
        archive.write_all(&bytes)?;
    }
    Ok(archive.finish().map_err(io::Error::other)?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_of_another_size_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("x.npz");
        let said = Array::save_npz(&path, &[Array::new("x", &[2, 2], vec![0.0; 3])]).expect_err("refused");
        assert!(said.to_string().contains('3') && !path.exists(), "{said}");
        Ok(())
    }

    #[test]
    fn arrays_of_any_number_of_sides_are_read_back() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("x.npz");
        let arrays = [
            Array::new("a", &[1, 2, 2], vec![1.0, f64::NAN, 3.0, 4.0]),
            Array::new("b", &[3], vec![5.0, 6.0, 7.0]),
        ];
        Array::save_npz(&path, &arrays)?;
        let mut archive = zip::ZipArchive::new(std::fs::File::open(&path)?)?;
        let a = npyz::NpyFile::new(archive.by_name("a.npy")?)?;
        assert_eq!(a.shape(), [1, 2, 2]);
        let values = a.into_vec::<f64>()?;
        assert!(values[0] == 1.0 && values[1].is_nan() && values[3] == 4.0);
        assert_eq!(npyz::NpyFile::new(archive.by_name("b.npy")?)?.into_vec::<f64>()?, [5.0, 6.0, 7.0]);
        Ok(())
    }
}
