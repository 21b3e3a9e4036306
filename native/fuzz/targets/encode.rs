//! Encoding under libFuzzer; the environment variable `PLAN` names the plan's file.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static ENGINE: LazyLock<shipper_core::Engine> = LazyLock::new(|| {
    let plan = std::env::var_os("PLAN").expect("PLAN names a file");
    shipper_fuzz::engine(&std::fs::read(plan).expect("a plan"))
});

fuzz_target!(|data: &[u8]| shipper_fuzz::encode(&ENGINE, data));
