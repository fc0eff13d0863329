//! Export of spans to an OpenTelemetry collector by OTLP over HTTP (feature `otel`).

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// Where the traces are sent under an address of a collector.
const PATH: &str = "/v1/traces";

/// Starts the export; gives what takes the spans, and what ends it.
///
/// # Errors
/// A sentence about an address that cannot be used.
pub(super) fn start<S>(endpoint: &str) -> Result<(impl Layer<S> + use<S>, SdkTracerProvider), String>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // Its client needs one, although the collector may be asked without TLS.
    crate::crypto::install_provider();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}{PATH}", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|error| error.to_string())?;
    let resource = Resource::builder()
        .with_service_name(std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "linegate".to_owned()))
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    // Spans that cannot be sent wait in a queue of limited length, on a thread of its own; the oldest are given up.
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("linegate"))
        .with_location(false)
        .with_threads(false)
        .with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == super::SPANS));
    Ok((layer, provider))
}

/// Makes a span part of the trace that its caller named.
pub fn join(span: &Span, headers: &HashMap<String, String>) {
    // A span that is not exported has no place in a trace; nothing is lost.
    let _ = span.set_parent(TraceContextPropagator::new().extract(headers));
}
