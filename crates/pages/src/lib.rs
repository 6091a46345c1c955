//! Pages that need no other file: figures whose numbers can be pointed at, tables that sort, a slider that ties epochs together.
//!
//! A figure is SVG in the page; its numbers are in the page once, as JSON, with all digits. A small script shows them under the pointer and
//! at the arrow keys, sorts tables and offers downloads. Without it the page has the same figures, only still. Nothing is fetched: the
//! page's own policy forbids it.
//!
//! ```
//! use pages::{Chart, Numbers, Page};
//! use plots::{Axes, Curve, Spread};
//!
//! let curve = Curve { label: "test images".into(), mean: vec![31.0, 47.5], spread: Spread::None };
//! let axes = Axes { right: "epoch".into(), up: "accuracy, %".into() };
//! let mut numbers = Numbers::default();
//! let body = Chart::new("accuracy", "Accuracy", axes, vec![0.0, 1.0], vec![curve]).show(&mut numbers);
//! let html = Page { title: "My run".into(), body, numbers }.render();
//! assert!(html.starts_with("<!DOCTYPE html>") && html.contains("47.5"));
//! ```
//!
//! * **Numbers** that are not finite are gaps in figures and null in the data.
//! * **Texts** may be anybody's: they are escaped wherever they stand.
//! * **Bytes** follow from the numbers alone: no time of day, no random names.

mod cells;
mod chart;
mod explorer;
mod frame;
mod look;
mod maps;
mod names;
mod numbers;
mod page;
mod table;
mod text;

// Figures
pub use chart::Chart;
pub use explorer::Explorer;
pub use maps::{Map, MapAxis, Maps};

// Tables
pub use table::{Cell, Table};

// The page
pub use names::names;
pub use numbers::Numbers;
pub use page::Page;
pub use text::{rounded, slug};

// What figures and tables are shown as
pub use maud::Markup;
