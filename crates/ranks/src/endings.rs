//! How a process of several ends.

/// A rank that panics would wait in the end of the work for others, which wait for it: all end.
pub fn end_all_on_panic(place: String, abort: impl Fn(i32) + Send + Sync + 'static) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        let _ = std::io::Write::write_all(
            &mut std::io::stderr().lock(),
            format!("error: {place} has panicked; all ranks end\n").as_bytes(),
        );
        abort(101);
    }));
}
