//! Redis: in memory alone, nothing is saved. What it may be told over its port is what a client may tell it: paths and modules are
//! protected (`enable-protected-configs`, `enable-module-command`: no by default since 7.0).

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{Kind, number_in, on_path, says};
use crate::guard::Order;

pub(crate) static REDIS: Kind = Kind {
    name: "Redis",
    install: "apt-get install redis-server",
    user: "redis",
    find: || on_path("redis-server"),
    version: |program| number_in(&says(program, "--version")),
    order: |program, folder, ports| {
        let words = [
            &program.display().to_string(),
            "--bind",
            "127.0.0.1",
            "--port",
            &ports[0].to_string(),
            "--dir",
            &folder.display().to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ];
        Ok(Order { program: words.map(str::to_owned).to_vec(), ..Order::default() })
    },
    ready: |_, port| answers(port).unwrap_or_default(),
};

fn answers(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    Ok(&answer == b"+PONG")
}
