//! Stand-in until `leadhand-resource` lands.
use url::Url;
#[derive(Debug)]
pub(super) struct UrlPattern {
    methods: Vec<String>,
    rest: Option<(String, String, Option<u16>, bool, String)>,
}
impl UrlPattern {
    pub(super) fn parse(text: &str) -> Result<Vec<Self>, ()> {
        Ok(vec![Self::one(text)?])
    }
    pub(super) fn closes(&self, method: &str, url: &Url) -> bool {
        self.covers(method, url)
    }
    fn one(text: &str) -> Result<Self, ()> {
        if text == "**" {
            return Ok(Self {
                methods: vec![],
                rest: None,
            });
        }
        let (methods, rest) = match text.split_once(' ') {
            Some((methods, rest)) => (methods.split(',').map(str::to_owned).collect(), rest),
            None => (vec![], text),
        };
        let (scheme, rest) = rest.split_once("://").ok_or(())?;
        if rest.is_empty() {
            return Err(());
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, "**"));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let any = port == Some("*");
        let port = match port {
            Some("*") | None => None,
            Some(p) => Some(p.parse().map_err(|_| ())?),
        };
        Ok(Self {
            methods,
            rest: Some((scheme.into(), host.into(), port, any, path.into())),
        })
    }
    pub(super) fn covers(&self, method: &str, url: &Url) -> bool {
        if !self.methods.is_empty() && !self.methods.iter().any(|m| m == method) {
            return false;
        }
        let Some((scheme, host, port, any, path)) = &self.rest else {
            return true;
        };
        (scheme == "*" || scheme == url.scheme())
            && (host == "*"
                || Some(host.as_str()) == url.host_str()
                || host
                    .strip_prefix('*')
                    .is_some_and(|s| url.host_str().is_some_and(|h| h.ends_with(s))))
            && (*any
                || port.map_or(url.port().is_none(), |p| {
                    url.port_or_known_default() == Some(p)
                }))
            && (path == "**" || fast_glob::glob_match(path, &url.path()[1..]))
    }
}
