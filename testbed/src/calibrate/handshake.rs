//! What a new connection costs: TCP alone, and TLS 1.3 with a certificate of our own (ECDSA P-256, as the simulator assumes), with
//! and without a session to resume. Here the round trips take next to nothing, so what is left is CPU.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::blocks::{BLOCKS, Figure, quantile_of};
use super::http::on_own_runtime;
use crate::clock;

/// Connections of a block.
const CONNECTIONS: u64 = 60;

/// Who the certificate is for.
const NAME: &str = "localhost";

/// A kind of connection, ns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opening {
    pub(crate) name: &'static str,
    /// From the first packet until the first byte of the callee is there.
    pub(crate) took: Figure,
    /// CPU of the caller and of the callee.
    pub(crate) caller: Figure,
    pub(crate) callee: Figure,
}

/// Measures all kinds.
pub(crate) fn measure() -> io::Result<Vec<Opening>> {
    let (server, client) = configs()?;
    let mut again = client.clone();
    again.resumption = Resumption::in_memory_sessions(16);
    let [client, again] = [client, again].map(|config| TlsConnector::from(Arc::new(config)));
    Ok(vec![
        opening("TCP", None, None)?,
        opening("TCP and TLS 1.3", Some(Arc::clone(&server)), Some(&client))?,
        opening("TCP and TLS 1.3, resumed", Some(server), Some(&again))?,
    ])
}

/// Both ends of TLS, with a certificate that is made for this.
fn configs() -> io::Result<(Arc<ServerConfig>, ClientConfig)> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).map_err(io::Error::other)?;
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).map_err(io::Error::other)?;
    let server = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]).with_no_client_auth();
    let server = server.with_single_cert(vec![certificate], key).map_err(io::Error::other)?;
    let client = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
    let mut client = client.with_root_certificates(roots).with_no_client_auth();
    client.resumption = Resumption::disabled();
    Ok((Arc::new(server), client))
}

fn opening(
    name: &'static str,
    server: Option<Arc<ServerConfig>>,
    connector: Option<&TlsConnector>,
) -> io::Result<Opening> {
    let used = Arc::<AtomicU64>::default();
    let (tell, told) = mpsc::channel();
    let counted = Arc::clone(&used);
    let callee = thread::spawn(move || {
        on_own_runtime(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            _ = tell.send(listener.local_addr());
            accept(&listener, server.map(TlsAcceptor::from), &counted).await
        })
    });
    let address = told.recv().map_err(io::Error::other)??;
    let measured = on_own_runtime(async {
        let (mut took, mut caller, mut callee) = (Vec::new(), Vec::new(), Vec::new());
        block(address, connector).await?;
        for _ in 0..BLOCKS {
            let before = (clock::cpu(), used.load(Ordering::Relaxed));
            let times = block(address, connector).await?;
            caller.push((clock::cpu() - before.0) as f64 / CONNECTIONS as f64);
            callee.push((used.load(Ordering::Relaxed) - before.1) as f64 / CONNECTIONS as f64);
            took.push(quantile_of(&times, 0.5));
        }
        let [took, caller, callee] = [took, caller, callee].map(|blocks| Figure::of(&blocks));
        Ok(Opening { name, took, caller, callee })
    });
    // The last connection says that it was.
    drop(std::net::TcpStream::connect(address)?);
    _ = callee.join();
    measured.unwrap_or_else(|| Err(io::Error::other("no runtime")))
}

/// Greets whoever comes with a byte, until one leaves without a word.
async fn accept(listener: &TcpListener, acceptor: Option<TlsAcceptor>, used: &AtomicU64) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let met = match &acceptor {
            Some(acceptor) => match acceptor.accept(stream).await {
                Ok(stream) => meet(stream).await,
                Err(why) => Err(why),
            },
            None => meet(stream).await,
        };
        if met.is_err() {
            return Ok(());
        }
        used.store(clock::cpu(), Ordering::Relaxed);
    }
}

/// A byte there and a byte back.
async fn meet(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream.write_all(b"!").await?;
    stream.flush().await?;
    stream.read_exact(&mut [0]).await.map(drop)
}

async fn block(address: SocketAddr, connector: Option<&TlsConnector>) -> io::Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..CONNECTIONS {
        let begun = clock::now();
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        times.push(match connector {
            Some(connector) => {
                let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
                greeted(connector.connect(name, stream).await?, begun).await?
            }
            None => greeted(stream, begun).await?,
        });
    }
    Ok(times)
}

/// How long it took until the callee's byte was there; it is answered.
async fn greeted(mut stream: impl AsyncRead + AsyncWrite + Unpin, begun: u64) -> io::Result<f64> {
    stream.read_exact(&mut [0]).await?;
    let took = (clock::now() - begun) as f64;
    stream.write_all(b"!").await?;
    stream.flush().await?;
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_of_connections_open() {
        let openings = measure().unwrap();
        assert_eq!(openings.len(), 3);
        assert!(openings.iter().all(|opening| opening.took.value > 0.0 && opening.callee.value > 0.0), "{openings:?}");
    }
}
