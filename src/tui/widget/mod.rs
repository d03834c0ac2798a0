//! What panes are made of: charts, gauges and text put at a place.

pub mod axis;
pub mod chart;
pub mod decimate;
pub mod derive;
pub mod gauge;
pub mod histogram;
pub mod line;
pub mod raster;
pub mod scale;
pub mod smooth;
pub mod spread;
pub mod text;
