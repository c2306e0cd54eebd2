//! Prints how fast `aws-lc-rs` is against `ring`, for RSA PKCS#1 v1.5 with SHA-256.
//!
//! Both run in turns in one process, so that a busy machine slows both; the ratio of the medians is what counts.

use std::time::{Duration, Instant};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature as aws;
use ring::signature as ring_alg;

/// Turns of each library, of which the median is taken.
const TURNS: usize = 15;
/// How long a turn lasts.
const TURN: Duration = Duration::from_millis(200);
/// What is signed: about as long as the signed attributes of a package.
const MESSAGE: [u8; 160] = [0x5a; 160];

fn main() {
    println!("| operation | key | ring, per s | aws-lc-rs, per s | aws-lc-rs to ring |");
    println!("|---|---|---|---|---|");
    for (size, bits) in [
        (KeySize::Rsa2048, 2048),
        (KeySize::Rsa3072, 3072),
        (KeySize::Rsa4096, 4096),
    ] {
        let key = aws_lc_rs::rsa::KeyPair::generate(size).expect("a new key");
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).expect("PKCS#8");
        let pair = ring::rsa::KeyPair::from_pkcs8(der.as_ref()).expect("a key that ring takes");
        let random = ring::rand::SystemRandom::new();
        let aws_random = aws_lc_rs::rand::SystemRandom::new();
        let mut by_ring = vec![0; bits / 8];
        let mut by_aws = vec![0; bits / 8];
        let rates = compare(
            || {
                pair.sign(&ring_alg::RSA_PKCS1_SHA256, &random, &MESSAGE, &mut by_ring)
                    .expect("a signature");
            },
            || {
                key.sign(&aws::RSA_PKCS1_SHA256, &aws_random, &MESSAGE, &mut by_aws)
                    .expect("a signature");
            },
        );
        print("sign", bits, rates);
        assert_eq!(by_ring, by_aws, "both make the same signature");
        let public = pair.public().as_ref();
        let algorithm = &ring_alg::RSA_PKCS1_2048_8192_SHA256;
        let ring_key = ring_alg::UnparsedPublicKey::new(algorithm, public);
        let algorithm = &aws::RSA_PKCS1_2048_8192_SHA256;
        let aws_key = aws::UnparsedPublicKey::new(algorithm, public);
        let rates = compare(
            || ring_key.verify(&MESSAGE, &by_ring).expect("it holds"),
            || aws_key.verify(&MESSAGE, &by_ring).expect("it holds"),
        );
        print("verify", bits, rates);
    }
}

fn print(operation: &str, bits: usize, [ring, aws]: [f64; 2]) {
    println!(
        "| {operation} | RSA-{bits} | {ring:.0} | {aws:.0} | {:.2} |",
        aws / ring
    );
}

/// Median rates of two operations that take turns.
fn compare(mut first: impl FnMut(), mut second: impl FnMut()) -> [f64; 2] {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        rates[0].push(rate(&mut first));
        rates[1].push(rate(&mut second));
    }
    rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    })
}

fn rate(operation: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut times = 0_u32;
    while start.elapsed() < TURN {
        operation();
        times += 1;
    }
    f64::from(times) / start.elapsed().as_secs_f64()
}
