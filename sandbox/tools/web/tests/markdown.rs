//! HTML to Markdown as a table, and pages that mean harm.
#![allow(missing_docs)]

use web::markdown::{Style, convert};

const URL: &str = "https://example.org/docs/page.html?q=1";

#[track_caller]
fn check(html: &str, markdown: &str) {
    assert_eq!(convert(html, URL, Style::Markdown), markdown);
}

#[test]
fn blocks() {
    check(
        "<h1>A  b</h1><p>One\n two.<p>Three<br>four</p>",
        "# A b\n\nOne two.\n\nThree\nfour",
    );
    check("<title>T &amp; U</title><body><p>x", "# T & U\n\nx");
    check("<title>Same</title><h2>Same</h2><p>x", "## Same\n\nx");
    check(
        "a<hr>b<div>c<div>d</div>e</div>",
        "a\n\n---\n\nb\n\nc\n\nd\n\ne",
    );
    check("<blockquote><p>a<p>b</blockquote>c", "> a\n\n> b\n\nc");
    check(
        "<blockquote><ul><li>a<li>b</ul></blockquote>",
        "> - a\n> - b",
    );
    check(
        "<pre><code class='hljs language-rust'>fn a() {\n    b &lt; c\n}\n</code></pre>",
        "```rust\nfn a() {\n    b < c\n}\n```",
    );
    check("<pre>a ``` b</pre>", "````\na ``` b\n````");
    check("<dl><dt>a<dd>b</dl>", "a\n\nb");
    check("", "");
}

#[test]
fn lists() {
    check(
        "<p>x<ul><li>a</li><li>b</li></ul><p>y",
        "x\n\n- a\n- b\n\ny",
    );
    check(
        "<ol start=3><li>a<li>b<ul><li>c<li>d</ul><li>e</ol>",
        "3. a\n4. b\n   - c\n   - d\n5. e",
    );
    check(
        "<ul><li><p>a</p><p>b</p></li><li><p>c</p></li></ul>",
        "- a\n\n  b\n- c",
    );
    check("<ul><li><pre>x\n y</pre></ul>", "- ```\n  x\n   y\n  ```");
    check("<ul><li></li><li>a</li></ul>", "- a");
    check("<li>a<li>b", "- a\n- b");
}

#[test]
fn inline() {
    check(
        "a <b>b </b>c <em>d</em> <code>e</code> <code>f`g</code><i> </i>",
        "a **b** c *d* `e` `` f`g ``",
    );
    check(
        "<p>caf&eacute;&nbsp;&mdash; &#x1F600; &unknown; &lt;p&gt;",
        "café — 😀 &unknown; <p>",
    );
    check("<b>a<p>b</b>c", "**a**\n\n**b**c");
    check(
        "x <img src=a.png alt='a cat'> y<img src=b.png>",
        "x a cat y",
    );
}

#[test]
fn links() {
    for (href, markdown) in [
        ("https://a.org/x", "[t](https://a.org/x)"),
        ("/x?y=1&amp;z=2", "[t](https://example.org/x?y=1&z=2)"),
        ("../up", "[t](https://example.org/up)"),
        ("b c.html", "[t](https://example.org/docs/b%20c.html)"),
        ("//b.org/(x)", "[t](https://b.org/%28x%29)"),
        ("?q=2", "[t](https://example.org/docs/page.html?q=2)"),
        ("mailto:a@b.org", "[t](mailto:a@b.org)"),
        ("#part", "t"),
        ("javascript:alert(1)", "t"),
        ("data:text/html,x", "t"),
        ("", "t"),
    ] {
        check(&format!("<a href=\"{href}\">t</a>"), markdown);
    }
    check(
        "<a href=/a><h3>T</h3><p>d</p></a>e",
        "### [T](https://example.org/a)\n\n[d](https://example.org/a)\n\ne",
    );
    check(
        "<a href=/a>x<a href=/b>y</a>z",
        "[x](https://example.org/a)[y](https://example.org/b)z",
    );
    check(
        "<a href=/a><img alt=pic></a> <a href=/b> </a>",
        "[pic](https://example.org/a)",
    );
    check(
        "<base href='/other/'><a href=x>t</a>",
        "[t](https://example.org/other/x)",
    );
    check(
        "<a href=https://a.org/>https://a.org/</a>",
        "https://a.org/",
    );
    assert_eq!(
        convert(
            "<title>T</title><h1>A</h1><a href=/x><b>t</b></a> <code>c</code>",
            URL,
            Style::Plain
        ),
        "T\n\nA\n\nt c"
    );
}

#[test]
fn tables() {
    check(
        "<table><caption>C</caption><thead><tr><th>a<th>b|c</thead><tr><td>1<td><p>x</p><p>y</p></table>z",
        "C\n\n| a | b\\|c |\n| --- | --- |\n| 1 | x y |\n\nz",
    );
    check(
        "<table><tr><td colspan=2>w</td></tr><tr><td><b>1</b></td><td><a href=/x>l</a></td></tr></table>",
        "| w |  |\n| --- | --- |\n| **1** | [l](https://example.org/x) |",
    );
    check(
        "<table><tr><td>one</td></tr><tr><td>two</td></tr></table>",
        "one\n\ntwo",
    );
    check(
        "<table><tr><td>menu<td><table><tr><td>a<td>b<tr><td>1<td>2</table><p>text</td></tr></table>end",
        "menu\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\ntext\n\nend",
    );
    check(
        "<table><tr><td><ul><li>a<li>b</ul><td>c</table>",
        "| a b | c |\n| --- | --- |",
    );
}

#[test]
fn noise_is_left_out() {
    check(
        "<head><style>p{}</style><script>if (a<b) '</p>'</script></head><nav><a href=/>Home</a></nav>\
         <p>x</p><svg><title>no</title><path/></svg><noscript>no</noscript><!-- no --><p>y",
        "x\n\ny",
    );
    check(
        "<div hidden>a<div>b</div>c</div><span style='display: none'>d</span>e",
        "e",
    );
    check("<nav><p>a</nav>", "a");
    check("<nav><ul><li>m<main><p>x", "x");
    check("<p>a<script>never closed <p>b", "a");
}

/// Work that grows with the square of a page would never end here, and each answer is bounded.
#[test]
fn hostile_pages_end() {
    let many = 50_000;
    for (name, html) in [
        ("deep", "<div>".repeat(many) + "x"),
        ("deep quotes", "<blockquote>".repeat(many) + "x"),
        ("deep lists", "<ul><li>a".repeat(many)),
        ("deep tables", "<table><tr><td>a".repeat(many)),
        (
            "deep marks",
            "<b><i><a href=/x><code>".repeat(many) + "x" + &"<p>y".repeat(1_000),
        ),
        (
            "ends without begins",
            "</div></li></table></a></b>".repeat(many),
        ),
        ("wide rows", "<table>".to_owned() + &"<td>x".repeat(many)),
        (
            "spans",
            "<table>".to_owned() + &"<tr><td colspan=99999999>x".repeat(many),
        ),
        ("entities", "&amp;&nosuch;&#xFFFFFFFF;".repeat(many)),
        ("attributes", format!("<p {}>x", "a=b ".repeat(many))),
        ("one tag", "<".to_owned() + &"a".repeat(many * 10)),
        ("comment", "<!--".to_owned() + &"-".repeat(many * 10)),
        ("titles", "<title>".to_owned() + &"t".repeat(many * 10)),
        (
            "marks across blocks",
            "<b>".repeat(100) + &"a<p>".repeat(many),
        ),
        ("words", "a ".repeat(many * 5)),
        (
            "anchors",
            format!("<a href=/{}>x", "y".repeat(300)) + &"<p>z".repeat(many),
        ),
        ("headings", "<h1>".repeat(many) + "x"),
        ("pre", "<pre>".repeat(many) + "x" + &"</pre>y".repeat(many)),
    ] {
        let text = convert(&html, URL, Style::Markdown);
        assert!(text.len() < 9 * 1024 * 1024, "{name}: {} bytes", text.len());
    }
}
