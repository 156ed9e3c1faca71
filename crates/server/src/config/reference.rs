//! The documentation of every key: the text of `recourse config --reference` and of `deploy/recourse.toml`.

use serde_json::Value;

use super::{Config, keys};

const HEAD: &str = "\
# Configuration of Recourse: every key, with its default. Uncomment what is to be otherwise.
#
# Values come from the defaults, then from this file, then from the environment, then from flags. In the
# environment a key is called RECOURSE_KEY, one of a section RECOURSE_SECTION__KEY. `recourse config` prints what
# is in force and where each value came from. This file is made by `recourse config --reference`.
";

/// A configuration file with every key at its default, commented out.
#[must_use]
pub fn reference() -> String {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut text = HEAD.to_owned();
    for section in keys::sections() {
        if !section.name.is_empty() {
            text.push('\n');
            comment(&mut text, &section.text);
            text.push_str(&format!("[{}]\n", section.name));
        }
        for key in section.keys {
            text.push('\n');
            comment(&mut text, &key.text);
            let name = key.path.rsplit('.').next().unwrap_or_default();
            let value = defaults.pointer(&format!("/{}", key.path.replace('.', "/"))).unwrap_or(&Value::Null);
            // TOML writes these values as JSON does; it has no word for what is not set.
            let value = if value.is_null() { String::new() } else { value.to_string() };
            text.push_str(format!("#{name} = {value}").trim_end());
            text.push('\n');
        }
    }
    text
}

fn comment(text: &mut String, said: &str) {
    for line in said.lines() {
        text.push_str(format!("# {}", line.trim()).trim_end());
        text.push('\n');
    }
}
