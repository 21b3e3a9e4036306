//! Encoding: the engine, and what it made of a batch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use shipper_core::{self as core, Interval};

type OriginArgs = (usize, String, bool, bool);
type EntryArgs = (PyBackedBytes, i64, PyBackedBytes, PyBackedBytes, u64, Vec<OriginArgs>);
type BodyParts<'py> = (usize, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// Memory that one encoding leaves to the next.
type Spare = Arc<Mutex<Vec<u8>>>;

#[pyclass(module = "shipper_native")]
pub struct Engine(core::Engine, Spare);

#[pymethods]
impl Engine {
    #[new]
    fn new(plan: &[u8]) -> PyResult<Self> {
        let engine = core::Engine::new(plan).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self(engine, Spare::default()))
    }

    fn zone(&mut self, name: &str) -> usize {
        self.0.zone(name)
    }

    fn learn(&mut self, zone: usize, year: i64, intervals: Vec<(i64, i64, i64)>) {
        let known = intervals.into_iter().map(|(from_s, until_s, offset_us)| Interval { from_s, until_s, offset_us });
        self.0.learn(zone, year, known.collect());
    }

    #[allow(clippy::needless_pass_by_value, reason = "the bytes are held while the GIL is not")]
    fn encode(&self, py: Python<'_>, entries: Vec<EntryArgs>) -> Encoding {
        let entries: Vec<core::Entry> = entries
            .iter()
            .map(|(segment, received_us, table, data, data_offset, origins)| core::Entry {
                segment,
                received_us: *received_us,
                table,
                data,
                data_offset: *data_offset,
                origins: origins.iter().cloned().map(origin).collect(),
            })
            .collect();
        let content = std::mem::take(&mut *self.1.lock().unwrap_or_else(PoisonError::into_inner));
        Encoding(py.detach(|| self.0.encode(&entries, content)), self.1.clone())
    }
}

fn origin((zone, sender, is_observer, is_odd): OriginArgs) -> core::Origin {
    core::Origin { zone, sender, is_observer, is_odd }
}

#[pyclass(module = "shipper_native", frozen)]
pub struct Encoding(core::Encoding, Spare);

impl Drop for Encoding {
    fn drop(&mut self) {
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = self.0.take_content();
    }
}

#[pymethods]
impl Encoding {
    #[getter]
    fn declined(&self) -> Vec<u32> {
        self.0.declined.clone()
    }

    #[getter]
    fn unknown(&self) -> Vec<(usize, i64)> {
        self.0.unknown.clone()
    }

    #[getter]
    fn skews(&self) -> Vec<(u32, usize, usize, i64)> {
        self.0.skews.iter().map(|skew| (skew.number, skew.entry, skew.origin, skew.us)).collect()
    }

    #[getter]
    fn days(&self) -> Vec<i32> {
        self.0.days()
    }

    fn format(&self, number: u32) -> Option<u16> {
        self.0.format(number)
    }

    #[allow(clippy::needless_pass_by_value, reason = "the bytes are held while the GIL is not")]
    fn bodies<'py>(
        &self,
        py: Python<'py>,
        indices: HashMap<i32, usize>,
        others: Vec<(u32, usize, PyBackedBytes)>,
        bytes_max: usize,
    ) -> PyResult<Vec<BodyParts<'py>>> {
        let others: Vec<core::Other> =
            others.iter().map(|(number, index, item)| (*number, *index, &item[..])).collect();
        let bodies = py.detach(|| self.0.bodies(&indices, &others, bytes_max));
        let parts = |body: &core::Body| {
            Ok((body.index, content(py, body)?, numbers(py, &body.ends), numbers(py, &body.numbers)))
        };
        bodies.iter().map(parts).collect()
    }
}

/// Gives the bytes of a body, copied once.
fn content<'py>(py: Python<'py>, body: &core::Body) -> PyResult<Bound<'py, PyBytes>> {
    if let [only] = body.pieces[..] {
        return Ok(PyBytes::new(py, only));
    }
    PyBytes::new_with(py, body.size(), |mut place| {
        for piece in &body.pieces {
            let (here, rest) = std::mem::take(&mut place).split_at_mut(piece.len());
            here.copy_from_slice(piece);
            place = rest;
        }
        Ok(())
    })
}

/// Gives numbers as the bytes of an `array("Q")`.
fn numbers<'py>(py: Python<'py>, numbers: &[u64]) -> Bound<'py, PyBytes> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
    PyBytes::new(py, &bytes)
}
