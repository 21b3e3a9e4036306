//! Datagrams: taken from the kernel, gathered for the journal, and sent.

use std::io;
use std::os::fd::BorrowedFd;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use shipper_core as core;
use shipper_net as net;

type Taken<'py> = (i64, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Vec<(u16, String)>, u64, u64, u64);

#[pyclass(module = "shipper_native")]
pub struct Gathering(core::Gathering);

#[pymethods]
impl Gathering {
    #[new]
    fn new(lines_max: usize, bytes_max: usize, origins_max: usize, datagram_lines_max: usize) -> Self {
        let bounds = core::Bounds {
            lines: lines_max,
            bytes: bytes_max,
            origins: origins_max,
            datagram_lines: datagram_lines_max,
        };
        Self(core::Gathering::new(bounds))
    }

    #[getter]
    fn lines(&self) -> usize {
        self.0.lines()
    }

    #[getter]
    fn received(&self) -> u64 {
        self.0.received()
    }

    #[getter]
    fn full(&self) -> bool {
        self.0.is_full()
    }

    fn add(&mut self, datagram: &[u8], listener: u16, address: &str, now_us: i64, cut: bool) -> bool {
        self.0.add(datagram, listener, address, now_us, cut)
    }

    fn refuse(&mut self, datagram: &[u8]) {
        self.0.refuse(datagram);
    }

    fn take<'py>(&mut self, py: Python<'py>) -> Taken<'py> {
        let gathered = self.0.take();
        let (table, data) = (PyBytes::new(py, &gathered.table), PyBytes::new(py, &gathered.data));
        (gathered.received_us, table, data, gathered.origins, gathered.received, gathered.empty, gathered.refused)
    }
}

#[pyclass(module = "shipper_native")]
pub struct Inbox {
    inbox: net::Inbox,
    /// The next datagram to be poured.
    next: usize,
}

#[pymethods]
impl Inbox {
    #[new]
    fn new(slots: usize, slot_bytes: usize) -> Self {
        Self { inbox: net::Inbox::new(slots, slot_bytes), next: 0 }
    }

    fn receive(&mut self, py: Python<'_>, fd: i32) -> PyResult<usize> {
        let socket = borrowed(fd)?;
        self.next = 0;
        py.detach(|| self.inbox.receive(socket)).map_err(|error| numbered(&error))
    }

    fn pour(
        &mut self,
        gathering: &mut Gathering,
        listener: u16,
        now_us: i64,
        judge: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        while self.next < self.inbox.len() {
            let (datagram, packed) = self.inbox.datagram(self.next);
            self.next += 1;
            let judged = |packed: &[u8]| -> PyResult<core::Sender> {
                let address: Option<String> = judge.call1((packed,))?.extract()?;
                Ok(address.map_or(core::Sender::Refused, core::Sender::Named))
            };
            if gathering.0.add_from(datagram, listener, packed, now_us, judged)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "the bytes are held while the GIL is not")]
pub fn send(py: Python<'_>, fd: i32, datagrams: Vec<PyBackedBytes>, end: PyBackedBytes) -> PyResult<usize> {
    let socket = borrowed(fd)?;
    let datagrams: Vec<&[u8]> = datagrams.iter().map(|datagram| &datagram[..]).collect();
    py.detach(|| net::send(socket, &datagrams, &end)).map_err(|error| numbered(&error))
}

/// Gives an error of the kernel with its number.
fn numbered(error: &io::Error) -> PyErr {
    PyOSError::new_err((error.raw_os_error(), error.to_string()))
}

fn borrowed(fd: i32) -> PyResult<BorrowedFd<'static>> {
    if fd < 0 {
        return Err(PyValueError::new_err("the socket is closed"));
    }
    // SAFETY: the caller's socket owns the descriptor, and is alive for the call.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}
