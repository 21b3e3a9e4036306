//! Gathering datagrams under libFuzzer.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| shipper_fuzz::gather(data));
