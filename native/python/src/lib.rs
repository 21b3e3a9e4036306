//! The glue between Python and the core: `shipper_native.pyi` says what there is. The GIL is released while encoding,
//! and while the kernel works.

mod datagrams;
mod encoding;

use pyo3::prelude::*;

#[pyfunction]
fn give_back() {
    shipper_core::give_back();
}

#[pymodule]
fn shipper_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("__build__", if cfg!(debug_assertions) { "debug" } else { "release" })?;
    module.add_class::<encoding::Engine>()?;
    module.add_class::<encoding::Encoding>()?;
    module.add_class::<datagrams::Gathering>()?;
    module.add_class::<datagrams::Inbox>()?;
    module.add_function(wrap_pyfunction!(give_back, module)?)?;
    module.add_function(wrap_pyfunction!(datagrams::send, module)?)
}
