//! Parquet files as the Hugging Face Hub has them.

use std::{fs, io::Cursor, path::Path, sync::Arc};

use datasets::ImageSet;
use image::{DynamicImage, ImageFormat, RgbImage};
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, Int64Type},
    file::{
        metadata::KeyValue,
        properties::{WriterProperties, WriterPropertiesBuilder},
        writer::SerializedFileWriter,
    },
    schema::parser::parse_message_type,
};

/// The rows of a table.
pub(crate) struct Table<'a> {
    /// The column of images.
    pub(crate) image: &'a str,
    /// Encoded images.
    pub(crate) images: Vec<Vec<u8>>,
    /// Columns of labels.
    pub(crate) labels: Vec<(&'a str, Vec<i64>)>,
}

impl<'a> Table<'a> {
    /// PNG images in `img` and labels in a column, of a range of a set.
    pub(crate) fn from_set(set: &ImageSet, rows: std::ops::Range<usize>, label: &'a str) -> Self {
        let labels = set.labels()[rows.clone()].iter().map(|&label| i64::from(label)).collect();
        Self {
            image: "img",
            images: rows.map(|index| png(set, index)).collect(),
            labels: vec![(label, labels)],
        }
    }

    pub(crate) fn write(&self, path: &Path) {
        self.write_as(path, WriterProperties::builder());
    }

    /// With the names of the classes of a column, as Python's `datasets` keeps them.
    pub(crate) fn write_with_names(&self, path: &Path, column: &str, names: &[&str]) {
        let features = format!(r#"{{"{column}": {{"names": {names:?}, "_type": "ClassLabel"}}}}"#);
        let text = format!(r#"{{"info": {{"features": {features}}}}}"#);
        let text = vec![KeyValue::new("huggingface".to_owned(), text)];
        self.write_as(path, WriterProperties::builder().set_key_value_metadata(Some(text)));
    }

    pub(crate) fn write_as(&self, path: &Path, properties: WriterPropertiesBuilder) {
        let labels: String = self.labels.iter().map(|(name, _)| format!("optional int64 {name};")).collect();
        let image = self.image;
        let schema = format!(
            "message schema {{ optional group {image} {{ optional binary bytes; optional binary path (UTF8); }} {labels} }}"
        );
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let properties = Arc::new(properties.set_compression(Compression::SNAPPY).build());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = fs::File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, properties).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let count = self.images.len();
        let columns: [Vec<ByteArray>; 2] = [
            self.images.iter().map(|image| ByteArray::from(image.clone())).collect(),
            (0..count).map(|index| ByteArray::from(format!("{index}.png").into_bytes())).collect(),
        ];
        for values in columns {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&vec![2; count]), None).unwrap();
            column.close().unwrap();
        }
        for (_, labels) in &self.labels {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int64Type>().write_batch(labels, Some(&vec![1; count]), None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
    }
}

/// An image of a set as a PNG file.
pub(crate) fn png(set: &ImageSet, index: usize) -> Vec<u8> {
    let (planes, shape) = (set.bytes(index).unwrap(), set.shape());
    let plane = shape.height * shape.width;
    let pixels = (0..plane).flat_map(|at| [planes[at], planes[plane + at], planes[2 * plane + at]]).collect();
    let image = RgbImage::from_raw(shape.width as u32, shape.height as u32, pixels).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}
