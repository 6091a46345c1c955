//! The kernels that make images.

use cdes::{KernelFolder, ToyKernels};

use super::settings::Restructuring;
use crate::{Error, config::KernelConfig, experiment::Scope};

/// The kernels of each scope, all of the same epoch.
///
/// # Errors
/// If there are none for a scope, they are of another form than wanted or of different epochs, or a file is damaged.
pub(super) fn load(settings: &Restructuring, classes: usize) -> Result<Vec<(Scope, ToyKernels)>, Error> {
    let scopes = settings.experiment.scopes(classes).into_iter();
    let found = scopes.map(|scope| Ok((scope, load_one(settings, scope)?)));
    let found: Vec<(Scope, (usize, ToyKernels))> = found.collect::<Result<_, Error>>()?;
    let epochs = found.iter().map(|(scope, (epoch, _))| (scope, *epoch));
    if let (Some((_, least)), Some((scope, most))) =
        (epochs.clone().min_by_key(|(_, epoch)| *epoch), epochs.max_by_key(|(_, epoch)| *epoch))
        && least != most
    {
        let folder = settings.kernels.clone();
        return Err(Error::EpochsDiffer { folder, scope: scope.folder(), most, least });
    }
    Ok(found.into_iter().map(|(scope, (_, kernels))| (scope, kernels)).collect())
}

/// Kernels, and the epoch that they are of.
fn load_one(settings: &Restructuring, scope: Scope) -> Result<(usize, ToyKernels), Error> {
    let folder = KernelFolder::at(settings.kernels.join(scope.folder()));
    let found = folder.checkpoints()?;
    let wanted = found.iter().rev().find(|(epoch, _)| settings.epoch.is_none_or(|wanted| wanted == *epoch));
    let Some((epoch, path)) = wanted else {
        let (folder, experiment) = (folder.path().to_owned(), settings.experiment.as_str());
        return Err(Error::NoKernels { folder, epoch: settings.epoch, experiment });
    };
    let kernels = ToyKernels::load(path)?;
    match (settings.number, kernels.number()) {
        (Some(expected), found) if expected != found => {
            return Err(Error::KernelNumber { path: path.clone(), found, expected });
        }
        _ => {}
    }
    match (settings.kernel_size, kernels.kernel_size()) {
        (Some(expected), found) if expected != found => {
            Err(Error::KernelSize { path: path.clone(), found, expected })
        }
        _ => Ok((*epoch, kernels)),
    }
}

/// The weight of the second peak in the density that kernels of this data set were fitted for; 1 if they do not say.
///
/// # Errors
/// If they were fitted on another data set.
pub(super) fn rho(settings: &Restructuring, dataset: &str) -> Result<f64, Error> {
    let fit = KernelConfig::read(&settings.kernels)?.settings;
    match fit.dataset {
        Some(fitted) if fitted != dataset => {
            let (folder, dataset) = (settings.kernels.clone(), dataset.to_owned());
            Err(Error::OtherDataset { folder, fitted, dataset })
        }
        _ => Ok(fit.rho.unwrap_or(1.0)),
    }
}
