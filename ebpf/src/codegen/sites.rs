//! places where something can go wrong → [`Site`]s of the object, each with an offset in the globals.
//!
//! *Not here:* the instructions that count there (`select::notice`).

use crate::object::{Notice, Site};

/// The sites of an object so far; the same place with the same trouble is one.
pub(super) struct Sites {
    /// Where in the globals the first one's notice lies.
    first: u32,
    sites: Vec<Site>,
}

impl Sites {
    /// None yet.
    pub fn new(first: u32) -> Self {
        Self { first, sites: Vec::new() }
    }

    /// Where in the globals the notice of a site lies.
    pub fn offset(&mut self, site: Site) -> u32 {
        let index = self.sites.iter().position(|other| *other == site).unwrap_or_else(|| {
            self.sites.push(site);
            self.sites.len() - 1
        });
        self.first + index as u32 * size_of::<Notice>() as u32
    }

    /// All of them, in the order of their notices.
    pub fn finish(self) -> Vec<Site> {
        self.sites
    }
}
