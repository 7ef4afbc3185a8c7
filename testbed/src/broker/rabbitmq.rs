//! RabbitMQ: a node of its own name, with its own epmd, so that none of the machine's is touched. One scheduler that does not spin
//! while it has nothing to do (`+S 1:1 +sbwt none`, erl(1)): two cores are shared with what is measured. Its environment variables are
//! those of rabbitmq-env.conf(5); epmd's those of epmd(1).

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use super::{Kind, number_in, on_path};
use crate::guard::Order;

pub(crate) static RABBITMQ: Kind = Kind {
    name: "RabbitMQ",
    install: "apt-get install rabbitmq-server",
    user: "rabbitmq",
    find,
    version,
    order: |program, folder, ports| {
        let order = Order { program: vec![program.display().to_string()], env: env(folder, ports), ..Order::default() };
        Ok(order)
    },
    ready: |_, port| answers(port).unwrap_or_default(),
};

/// The script that Debian's own wrapper calls: the wrapper allows one user and root.
fn find() -> Option<PathBuf> {
    let packaged = PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server");
    if packaged.is_file() { Some(packaged) } else { on_path("rabbitmq-server") }
}

/// From the folder that the package is in: the program itself would start Erlang to tell.
fn version(_: &Path) -> String {
    let folders = fs::read_dir("/usr/lib/rabbitmq/lib").into_iter().flatten().flatten();
    let name =
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).find(|name| name.contains("server"));
    number_in(&name.unwrap_or_default())
}

/// Everything is in the folder, and listens on the loopback: messages, Erlang's distribution, epmd.
fn env(folder: &Path, ports: &[u16]) -> BTreeMap<String, String> {
    let inside = |name: &str| folder.join(name).display().to_string();
    let [messages, distribution, epmd] = [0, 1, 2].map(|nth| ports[nth].to_string());
    let erlang = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}";
    let all = [
        ("RABBITMQ_NODENAME", format!("hoptax-{messages}@localhost")),
        ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".into()),
        ("RABBITMQ_NODE_PORT", messages),
        ("RABBITMQ_DIST_PORT", distribution),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".into()),
        ("ERL_EPMD_PORT", epmd),
        ("RABBITMQ_MNESIA_BASE", inside("mnesia")),
        ("RABBITMQ_LOG_BASE", inside("logs")),
        ("RABBITMQ_LOGS", "-".into()),
        ("RABBITMQ_PID_FILE", inside("pid")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", inside("plugins")),
        ("RABBITMQ_CONFIG_FILE", inside("rabbitmq")),
        ("RABBITMQ_ADVANCED_CONFIG_FILE", inside("advanced")),
        ("RABBITMQ_CONF_ENV_FILE", "/dev/null".into()),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlang.into()),
    ];
    all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Whether it answers the header of AMQP 0-9-1 with `connection.start`, a frame of methods.
fn answers(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"AMQP\x00\x00\x09\x01")?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    Ok(kind == [1])
}
