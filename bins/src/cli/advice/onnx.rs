//! What to do about errors of ONNX files.

use onnx::Error;

/// The advice to add to the facts.
pub(super) fn of(error: &Error) -> Option<String> {
    Some(match error {
        Error::ImageSize { takes: [height, width], .. } if height == width => {
            format!("give --image-size {height} for photographs, or export the graph for images of these")
        }
        Error::ImageSize { .. } => "export the graph for images of these".to_owned(),
        Error::NotAClassifier { .. } => "--onnx takes classifiers of images in three colours".to_owned(),
        Error::Unreadable { .. } => {
            "--onnx takes files that torch.onnx.export and its like write; of other files --checkpoints may \
             know more"
                .to_owned()
        }
        _ => return None,
    })
}

/// Whether the flags cannot be used as they are.
pub(super) fn is_of_flags(error: &Error) -> bool {
    matches!(error, Error::ImageSize { .. })
}
