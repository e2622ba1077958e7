using Coach.Prometheus.Collection;

namespace Coach.Prometheus.Tests.Collection;

public sealed class MetricNamesTests
{
    private static readonly Dictionary<string, string> NoPrefixes = [];

    [Theory]
    [InlineData("coach.container.memory.usage", "By", false, "coach_container_memory_usage_bytes")]
    [InlineData("coach.container.cpu.usage", "s", true, "coach_container_cpu_usage_seconds")]
    [InlineData("coach.config.memory_mb", null, false, "coach_config_memory_mb")]
    [InlineData("coach.rag.document_count", "{document}", false, "coach_rag_document_count")]
    [InlineData("coach.rag.retrieval.duration", "s", false, "coach_rag_retrieval_duration_seconds")]
    [InlineData("gen_ai.client.token.usage", "{token}", false, "gen_ai_client_token_usage")]
    [InlineData("http.server.request.duration", "s", false, "http_server_request_duration_seconds")]
    [InlineData("db.bytes", "By", false, "db_bytes")]
    [InlineData("disk.total", "By", true, "disk_bytes")]
    [InlineData("bytes", "By", false, "bytes")]
    [InlineData("net.io", "By/s", false, "net_io_bytes_per_second")]
    [InlineData("rate", "1/s", false, "rate_per_second")]
    [InlineData("rate", "{request}/min", false, "rate_per_minute")]
    [InlineData("share", "1", false, "share")]
    [InlineData("share", "%", false, "share_percent")]
    [InlineData("size", "MBy", false, "size_megabytes")]
    [InlineData("odd", "häuser", false, "odd_h_user")]
    [InlineData("odd", "µ", false, "odd")]
    [InlineData("3d.points", null, false, "_3d_points")]
    [InlineData("a..b--c", null, false, "a_b_c")]
    [InlineData("größe", null, false, "gr_e")]
    public void Family_OfAnInstrument_IsTheSpecifiedName(
        string instrument, string? unit, bool isCounter, string expected) =>
        Assert.Equal(expected, MetricNames.Family(instrument, unit, isCounter, "Test", NoPrefixes).Name);

    [Theory]
    [InlineData("bytes", "By", false, "")]
    [InlineData("seconds", "s", true, "")]
    [InlineData("seconds.total", "s", true, "")]
    [InlineData("days", "d", false, "")]
    [InlineData("db.bytes", "By", false, "bytes")]
    [InlineData("_bytes", "By", false, "bytes")]
    [InlineData("share", "1", false, "")]
    [InlineData("net.io", "By/s", false, "bytes_per_second")]
    [InlineData("bytes_per_second", "By/s", false, "")]
    public void Family_OfAnInstrument_HasTheUnitThatItsNameEndsWith(
        string instrument, string? unit, bool isCounter, string expected) =>
        Assert.Equal(expected, MetricNames.Family(instrument, unit, isCounter, "Test", NoPrefixes).Unit);

    [Theory]
    [InlineData("Coach.Rag", "coach.rag.available", "maya_rag_available")]
    [InlineData("Coach.Llm", "gen_ai.client.operation.duration", "gen_ai_client_operation_duration")]
    [InlineData("Somebody.Else", "coach.rag.available", "coach_rag_available")]
    [InlineData("Coaching", "coach.rag.available", "coach_rag_available")]
    [InlineData("Coach", "coach.rag.available", "maya_rag_available")]
    [InlineData("Coach.Rag", "coach", "coach")]
    public void Family_WithAPrefix_RenamesOnlyThatMetersNames(string meter, string instrument, string expected) =>
        Assert.Equal(expected, MetricNames.Family(instrument, null, false, meter, new Dictionary<string, string> { ["coach"] = "maya" }).Name);

    [Theory]
    [InlineData("le", "exported_le")]
    [InlineData("quantile", "exported_quantile")]
    [InlineData("", "_")]
    [InlineData("__name__", "_name_")]
    [InlineData("http.route", "http_route")]
    [InlineData("1st", "_1st")]
    public void Label_OfATagKey_IsLegal(string key, string expected) => Assert.Equal(expected, MetricNames.Label(key));
}
