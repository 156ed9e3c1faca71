//! Pages of the repository that the server shows too: headings, paragraphs, tables and code words of Markdown, and
//! nothing else of it.

use super::escape;

/// A page out of Markdown.
pub(super) fn page(title: &str, text: &str) -> String {
    let mut body = String::new();
    let mut in_table = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let is_row = line.starts_with('|');
        if is_row != in_table {
            body.push_str(if is_row { "<table>" } else { "</table>" });
        }
        let begins = is_row && !in_table;
        in_table = is_row;
        if is_row {
            body.push_str(&row(line, if begins { "th" } else { "td" }));
        } else if let Some(heading) = line.strip_prefix("## ") {
            body.push_str(&format!("<h2>{}</h2>", inline(heading)));
        } else if let Some(heading) = line.strip_prefix("# ") {
            body.push_str(&format!("<h1>{}</h1>", inline(heading)));
        } else {
            body.push_str(&format!("<p>{}</p>", inline(line)));
        }
    }
    if in_table {
        body.push_str("</table>");
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title><style>body{{font:16px/1.5 \
         sans-serif;max-width:75em;margin:2em auto;padding:0 1em}}table{{border-collapse:collapse}}td,th{{border:1px solid \
         #bbb;padding:.2em .6em;text-align:left;vertical-align:top}}</style></head><body>{body}</body></html>",
        escape(title)
    )
}

/// A row of a table; the line below the head has none.
fn row(line: &str, cell: &str) -> String {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    if cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| c == '-')) {
        return String::new();
    }
    let cells: String = cells.iter().map(|text| format!("<{cell}>{}</{cell}>", inline(text))).collect();
    format!("<tr>{cells}</tr>")
}

/// Text with its code words.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (index, piece) in text.split('`').enumerate() {
        if index % 2 == 1 {
            html.push_str(&format!("<code>{}</code>", escape(piece)));
        } else {
            html.push_str(&escape(piece));
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_paragraphs_and_tables_become_a_page() {
        let html = page("A & B", "# One\n\nText `x < y`.\n\n| a | b |\n|---|---|\n| `c` | |\n\n## Two\n");
        let body = "<h1>One</h1><p>Text <code>x &lt; y</code>.</p><table><tr><th>a</th><th>b</th></tr>\
                    <tr><td><code>c</code></td><td></td></tr></table><h2>Two</h2>";
        assert!(html.contains(body), "{html}");
        assert!(html.contains("<title>A &amp; B</title>"));
    }
}
