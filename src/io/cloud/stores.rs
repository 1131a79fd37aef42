//! Stores and the thread that their connections live on.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path as Key;
use object_store::{BackoffConfig, ClientConfigKey, ObjectMeta, ObjectStore, RetryConfig};
use tokio::runtime::{Builder, Runtime};

use super::faults;
use crate::error::{Error, Result};

/// How long nothing may come of an answer before it is asked for again, from where it ended.
const SILENCE: &str = "20 seconds";
/// How long one request may take in all: the part of an upload over a slow line.
const REQUEST: &str = "300 seconds";

/// How often in a row a page of a listing may be cut on its way.
const CUT_MAX: u32 = 10;

/// What is tried again (500 and above, 429, connections that fail, answers that are cut): up to ten times, first after a fifth of a second or more, then
/// after longer and longer. A store that is gone is given up after about half a minute.
fn retries() -> RetryConfig {
    let backoff = BackoffConfig { init_backoff: Duration::from_millis(200), max_backoff: Duration::from_secs(8), base: 3.0 };
    RetryConfig { backoff, max_retries: 10, retry_timeout: Duration::from_secs(120) }
}

static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
static STORES: Mutex<BTreeMap<String, Arc<dyn ObjectStore>>> = Mutex::new(BTreeMap::new());

/// The runtime: one thread on which connections live, from the first request on.
pub(super) fn runtime() -> std::io::Result<&'static Runtime> {
    let made = RUNTIME
        .get_or_init(|| Builder::new_multi_thread().worker_threads(1).max_blocking_threads(4).thread_name("objects").enable_all().build());
    made.as_ref().map_err(|e| std::io::Error::new(e.kind(), format!("the thread of connections: {e}")))
}

/// Waits for an answer.
pub(super) fn wait<T>(answer: impl Future<Output = object_store::Result<T>>) -> std::io::Result<T> {
    runtime()?.block_on(answer).map_err(|error| faults::of_system(&error))
}

/// A key in a store; the empty key is the store itself.
#[derive(Debug, Clone)]
pub(super) struct At {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) key: Key,
}

impl At {
    /// The objects below the key. The library asks again for a page that does not begin to come; one that is cut on its way is asked for here,
    /// from the last object on that came before it.
    pub(super) fn list(&self) -> std::io::Result<Vec<ObjectMeta>> {
        let list = async {
            let (mut found, mut cut) = (Vec::<ObjectMeta>::new(), 0);
            while let Err(error) = self.list_on(&mut found, &mut cut).await {
                cut += 1;
                if !faults::is_cut(&error) || cut > CUT_MAX {
                    return Err(error);
                }
                tokio::time::sleep(Duration::from_millis(200) * cut).await;
            }
            Ok(found)
        };
        wait(list)
    }

    /// Goes on with a listing behind what was `found`, to its end; `cut` is 0 whenever something comes.
    async fn list_on(&self, found: &mut Vec<ObjectMeta>, cut: &mut u32) -> object_store::Result<()> {
        // Where a store has another order than that of keys, what is behind a key is not what comes after it.
        if !found.is_sorted_by(|one, next| one.location < next.location) {
            found.clear();
        }
        let mut pages = match found.last() {
            Some(last) => self.store.list_with_offset(Some(&self.key), &last.location),
            None => self.store.list(Some(&self.key)),
        };
        while let Some(meta) = std::future::poll_fn(|context| pages.as_mut().poll_next(context)).await {
            found.push(meta?);
            *cut = 0;
        }
        Ok(())
    }
}

/// The name of the store that a name begins with: `s3://BUCKET`.
pub(super) fn root(name: &Path) -> Result<&str> {
    Ok(split(name)?.0)
}

fn split(name: &Path) -> Result<(&str, &str, &str, &str)> {
    let refused = |why: &str| Error::refused_with_hint(format!("{}: {why}", name.display()), "names of objects are s3://BUCKET/KEY");
    let text = name.to_str().ok_or_else(|| refused("a name of objects is UTF-8"))?;
    let (scheme, rest) = text.split_once("://").ok_or_else(|| refused("no name of objects"))?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(refused("names no bucket"));
    }
    let root = text.get(..scheme.len() + 3 + bucket.len()).unwrap_or(text);
    Ok((root, scheme, bucket, key))
}

/// Where a name leads: its store, made at the first time, and its key.
///
/// # Errors
/// Refused: no such name, or the environment does not say how the store is reached.
pub(super) fn resolve(name: &Path) -> Result<At> {
    let (root, scheme, bucket, key) = split(name)?;
    let key = Key::parse(key).map_err(|e| {
        let message = format!("{}: no key that can be read: {e}", name.display());
        Error::refused_with_hint(message, "parts of a key between / are not empty, nor `.` or `..`")
    })?;
    let mut stores = STORES.lock().map_err(|_| Error::internal("the stores are out of order"))?;
    if let Some(store) = stores.get(root) {
        return Ok(At { store: Arc::clone(store), key });
    }
    // Another part of the process may have chosen its cryptography already; any choice does.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = match scheme {
        "gs" => google(bucket),
        "az" => azure(bucket),
        _ => amazon(bucket),
    };
    let store = made.map_err(|e| {
        let message = format!("{root}: the store cannot be reached as the environment says: {}", faults::said(&e));
        Error::refused_with_hint(message, "docs/guide/scale.md lists the variables")
    })?;
    stores.insert(root.to_owned(), Arc::clone(&store));
    Ok(At { store, key })
}

/// Is a variable of that name set? What it holds is the library's to read, and never printed.
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn amazon(bucket: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    use AmazonS3ConfigKey::{AccessKeyId, Client, Endpoint, S3Endpoint, SkipSignature};
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retries());
    for (variable, key, value) in
        [("AWS_TIMEOUT", ClientConfigKey::Timeout, REQUEST), ("AWS_READ_TIMEOUT", ClientConfigKey::ReadTimeout, SILENCE)]
    {
        if !is_set(variable) {
            builder = builder.with_config(Client(key), value);
        }
    }
    let has = |key: &AmazonS3ConfigKey| builder.get_config_value(key).is_some_and(|value| !value.is_empty());
    let is_elsewhere = has(&Endpoint) || has(&S3Endpoint);
    let other_ways = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let is_unsigned = builder.get_config_value(&SkipSignature).is_some_and(|value| value == "true");
    if is_elsewhere && !has(&AccessKeyId) && !is_unsigned && !other_ways.into_iter().any(is_set) {
        // Else the library would ask the metadata service of a cloud that this machine is not in.
        return Err(object_store::Error::Generic {
            store: "S3",
            source: "AWS_ENDPOINT_URL is set, and AWS_ACCESS_KEY_ID is not (AWS_SKIP_SIGNATURE=true reads what is public)".into(),
        });
    }
    Ok(Arc::new(builder.build()?))
}

fn google(bucket: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).with_retry(retries());
    for (variable, key, value) in
        [("GOOGLE_TIMEOUT", ClientConfigKey::Timeout, REQUEST), ("GOOGLE_READ_TIMEOUT", ClientConfigKey::ReadTimeout, SILENCE)]
    {
        if !is_set(variable) {
            builder = builder.with_config(GoogleConfigKey::Client(key), value);
        }
    }
    Ok(Arc::new(builder.build()?))
}

fn azure(container: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = MicrosoftAzureBuilder::from_env().with_container_name(container).with_retry(retries());
    for (variable, key, value) in
        [("AZURE_TIMEOUT", ClientConfigKey::Timeout, REQUEST), ("AZURE_READ_TIMEOUT", ClientConfigKey::ReadTimeout, SILENCE)]
    {
        if !is_set(variable) {
            builder = builder.with_config(AzureConfigKey::Client(key), value);
        }
    }
    Ok(Arc::new(builder.build()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let parts = |name: &'static str| split(Path::new(name)).ok();
        assert_eq!(parts("s3://bucket/a/b.jsonl"), Some(("s3://bucket", "s3", "bucket", "a/b.jsonl")));
        assert_eq!(parts("az://container"), Some(("az://container", "az", "container", "")));
        assert_eq!(parts("gs://b/"), Some(("gs://b", "gs", "b", "")));
        assert_eq!(parts("s3:///key"), None);
        for wrong in ["s3://b/a//c", "s3://b/../c", "s3://"] {
            assert_eq!(resolve(Path::new(wrong)).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
