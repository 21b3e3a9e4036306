//! Encoding: the engine, and what it made of a batch.

use std::collections::HashMap;
use std::ffi::c_int;
use std::ops::Range;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyMemoryView};
use shipper_core::{self as core, Interval};

type OriginArgs = (usize, String, bool, bool);
type EntryArgs = (PyBackedBytes, i64, PyBackedBytes, PyBackedBytes, u64, Vec<OriginArgs>);
type AnswerArgs = (PyBackedBytes, PyBackedBytes, Vec<PyBackedBytes>);
type BodyParts<'py> = (usize, Bound<'py, PyMemoryView>, Bound<'py, PyBytes>, Bound<'py, PyBytes>);

#[pyclass(module = "shipper_native")]
pub struct Engine(core::Engine);

#[pymethods]
impl Engine {
    #[new]
    fn new(plan: &[u8]) -> PyResult<Self> {
        let engine = core::Engine::new(plan).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self(engine))
    }

    fn zone(&mut self, name: &str) -> usize {
        self.0.zone(name)
    }

    fn learn(&mut self, zone: usize, year: i64, intervals: Vec<(i64, i64, i64)>) {
        let known = intervals.into_iter().map(|(from_s, until_s, offset_us)| Interval { from_s, until_s, offset_us });
        self.0.learn(zone, year, known.collect());
    }

    #[allow(clippy::needless_pass_by_value, reason = "the bytes are held while the GIL is not")]
    fn ask<'py>(&self, py: Python<'py>, entries: Vec<EntryArgs>) -> Vec<Vec<Bound<'py, PyBytes>>> {
        let entries = core_entries(&entries);
        let asked = py.detach(|| self.0.ask(&entries));
        asked.into_iter().map(|values| values.into_iter().map(|value| PyBytes::new(py, value)).collect()).collect()
    }

    #[allow(clippy::needless_pass_by_value, reason = "the bytes are held while the GIL is not")]
    fn encode(&self, py: Python<'_>, entries: Vec<EntryArgs>, answers: Vec<Vec<AnswerArgs>>) -> Encoding {
        let entries = core_entries(&entries);
        let answers: Vec<core::Answers> = answers.iter().map(|known| known.iter().map(answer).collect()).collect();
        Encoding(py.detach(|| self.0.encode(&entries, &answers)))
    }
}

fn core_entries(entries: &[EntryArgs]) -> Vec<core::Entry<'_>> {
    let each = entries.iter().map(|(segment, received_us, table, data, data_offset, origins)| core::Entry {
        segment,
        received_us: *received_us,
        table,
        data,
        data_offset: *data_offset,
        origins: origins.iter().cloned().map(origin).collect(),
    });
    each.collect()
}

fn answer((asked, value, added): &AnswerArgs) -> (&[u8], core::Answer<'_>) {
    (asked, core::Answer { value, added: added.iter().map(|text| &text[..]).collect() })
}

fn origin((zone, sender, is_observer, is_odd): OriginArgs) -> core::Origin {
    core::Origin { zone, sender, is_observer, is_odd }
}

#[pyclass(module = "shipper_native", frozen)]
pub struct Encoding(core::Encoding);

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
        let bodies = py.detach(|| {
            let bodies = self.0.bodies(&indices, &others, bytes_max);
            bodies.into_iter().map(|body| (Content::of(&self.0, &body), body)).collect::<Vec<_>>()
        });
        let parts = |(content, body): (Content, core::Body)| {
            let content = PyMemoryView::from(Bound::new(py, content)?.as_any())?;
            Ok((body.index, content, numbers(py, &body.ends), numbers(py, &body.numbers)))
        };
        bodies.into_iter().map(parts).collect()
    }
}

/// The bytes of a body: where they were encoded, if they stand there together, or copied once.
#[pyclass(frozen)]
struct Content(Arc<core::Room>, Range<usize>);

impl Content {
    fn of(encoding: &core::Encoding, body: &core::Body) -> Self {
        let size = body.size();
        match body.start {
            // else a few bytes would keep many
            Some(start) if size > encoding.content.len() / 2 => Self(encoding.content.clone(), start..start + size),
            _ => Self(Arc::new(body.pieces.concat().into()), 0..size),
        }
    }
}

#[pymethods]
impl Content {
    #[allow(clippy::needless_pass_by_value, reason = "the signature of the slot")]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let Self(bytes, range) = slf.get();
        let (start, length) = (bytes[range.clone()].as_ptr(), range.len().try_into()?);
        // SAFETY: the view holds `slf`, which holds the bytes, and neither they nor their place change; it is read-only.
        match unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start.cast_mut().cast(), length, 1, flags) } {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }
}

/// Gives numbers as the bytes of an `array("Q")`.
fn numbers<'py>(py: Python<'py>, numbers: &[u64]) -> Bound<'py, PyBytes> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
    PyBytes::new(py, &bytes)
}
