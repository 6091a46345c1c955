//! What there is at a root: tables, shards, or files.

use std::path::Path;

use super::{layout, listing::Listing, options::Layout, shards::Shards, tables::Tables, tree::Tree};
use crate::{Error, Limits};

impl Layout {
    /// The images of tables, if there are tables, or of files. The limits spare reading what is beyond them, where images must be read to be
    /// listed; which are taken is decided later.
    pub(super) fn listing(&self, root: &Path, limits: Limits) -> Result<Listing, Error> {
        let Some(tables) = Tables::find(root, self.follows_links)? else {
            return match Shards::find(root) {
                Some(shards) => shards.listing(self),
                None => layout::listing(Tree::read(root, self.follows_links)?, self),
            };
        };
        let is_whole = tables.is_whole;
        let limits = if self.val_fraction.is_some() { Limits::default() } else { limits };
        let mut listing = tables.listing(self.labels, limits)?;
        listing.split_off(self, is_whole);
        Ok(listing)
    }
}
