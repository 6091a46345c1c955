//! The split of a run against the one that is asked for.

use std::path::Path;

use crate::{Error, RunConfig, Split};

impl RunConfig {
    /// The test images that were split off for the run in a folder, where some were. Any others are images that its network was trained
    /// on: what is asked for of it has to be the same.
    ///
    /// ```
    /// let text = r#"{"settings": {"val_fraction": 0.3, "val_seed": 5}}"#;
    /// let (config, folder): (runs::RunConfig, _) = (serde_json::from_str(text)?, std::path::Path::new("run"));
    /// assert_eq!(config.split(folder, None, None)?, Some(runs::Split { fraction: 0.3, seed: 5 }));
    /// assert!(config.split(folder, Some(0.2), None).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OtherSplit`] if another one is asked for.
    pub fn split(
        &self,
        folder: &Path,
        fraction: Option<f64>,
        seed: Option<u64>,
    ) -> Result<Option<Split>, Error> {
        let Some(own) = self.settings.val_fraction else { return Ok(None) };
        let own = Split { fraction: own, seed: self.settings.val_seed.unwrap_or(0) };
        let given = Split { fraction: fraction.unwrap_or(own.fraction), seed: seed.unwrap_or(own.seed) };
        if given == own {
            return Ok(Some(own));
        }
        Err(Error::OtherSplit { folder: folder.to_owned(), own, given })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_the_one_of_the_run_or_refused() -> Result<(), Box<dyn std::error::Error>> {
        let of = |text: &str| serde_json::from_str::<RunConfig>(text);
        let (folder, config) = (Path::new("run"), of(r#"{"settings": {"val_fraction": 0.3}}"#)?);
        let own = Some(Split { fraction: 0.3, seed: 0 });
        for (fraction, seed) in [(None, None), (Some(0.3), None), (None, Some(0)), (Some(0.3), Some(0))] {
            assert_eq!(config.split(folder, fraction, seed)?, own, "{fraction:?} {seed:?}");
        }
        let said = config.split(folder, None, Some(5)).expect_err("another seed").to_string();
        assert!(
            said.starts_with("run: ")
                && said.contains("a fraction of 0.3, seed 0")
                && said.contains("seed 5"),
            "{said}"
        );
        config.split(folder, Some(0.2), None).expect_err("another fraction");
        assert_eq!(of("{}")?.split(folder, Some(0.2), Some(1))?, None, "of a run without");
        Ok(())
    }
}
