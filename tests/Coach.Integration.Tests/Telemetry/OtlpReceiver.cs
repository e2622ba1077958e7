using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Coach.Integration.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Integration.Tests.Telemetry;

/// <summary>A collector on loopback that takes OTLP over HTTP and keeps what came.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<ProtoMessage>> _requests = new();

    private readonly SemaphoreSlim _arrived = new(0);

    private OtlpReceiver(WebApplication app) => _app = app;

    public Uri Address => new(_app.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <summary>The spans that came (opentelemetry-proto: trace.proto).</summary>
    public IReadOnlyList<OtlpSpan> Spans =>
    [
        .. Of("traces").SelectMany(request => request.Messages(1))
            .SelectMany(resource => resource.Messages(2))
            .SelectMany(scope => scope.Messages(2))
            .Select(span => new OtlpSpan(span)),
    ];

    /// <summary>The names of the metrics that came (metrics.proto).</summary>
    public IReadOnlySet<string> Metrics => Of("metrics").SelectMany(request => request.Messages(1))
        .SelectMany(resource => resource.Messages(2))
        .SelectMany(scope => scope.Messages(2))
        .Select(metric => metric.Text(1))
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>The texts of the log records that came, with their attributes (logs.proto).</summary>
    public IReadOnlyList<(string Body, IReadOnlyDictionary<string, string> Attributes)> Logs =>
    [
        .. Of("logs").SelectMany(request => request.Messages(1))
            .SelectMany(resource => resource.Messages(2))
            .SelectMany(scope => scope.Messages(2))
            .Select(record => (record.Messages(5).First().Text(1), OtlpSpan.Attributes(record.Messages(6)))),
    ];

    /// <summary>The attributes of every resource, of all three signals.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Resources =>
    [
        .. new[] { "traces", "metrics", "logs" }.SelectMany(Of)
            .SelectMany(request => request.Messages(1))
            .Select(resource => OtlpSpan.Attributes(resource.Messages(1).First().Messages(1))),
    ];

    public static async Task<OtlpReceiver> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var receiver = new OtlpReceiver(builder.Build());
        receiver._app.Run(receiver.ReceiveAsync);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Waits until what came is enough.</summary>
    public async Task UntilAsync(Func<OtlpReceiver, bool> isEnough)
    {
        using var limit = new CancellationTokenSource(ChatHost.HangLimit);
        while (!isEnough(this))
        {
            await _arrived.WaitAsync(limit.Token);
        }
    }

    public IEnumerable<ProtoMessage> Of(string signal) => _requests.GetValueOrDefault(signal) ?? [];

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _arrived.Dispose();
    }

    private async Task ReceiveAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        _requests.GetOrAdd(context.Request.Path.Value!.Split('/')[^1], _ => new()).Enqueue(new ProtoMessage(body.ToArray()));
        context.Response.ContentType = "application/x-protobuf";
        _arrived.Release();
    }
}

/// <summary>A span, as far as the tests ask.</summary>
internal sealed class OtlpSpan(ProtoMessage span)
{
    public string TraceId { get; } = Convert.ToHexStringLower(span.Bytes(1));

    public string SpanId { get; } = Convert.ToHexStringLower(span.Bytes(2));

    public string ParentId { get; } = Convert.ToHexStringLower(span.Bytes(4));

    public string Name { get; } = span.Text(5);

    public IReadOnlyDictionary<string, string> Tags { get; } = Attributes(span.Messages(9));

    public override string ToString() => $"{Name} {string.Join(", ", Tags)}";

    public static IReadOnlyDictionary<string, string> Attributes(IEnumerable<ProtoMessage> pairs)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (ProtoMessage pair in pairs)
        {
            result[pair.Text(1)] = pair.Messages(2).Select(Value).FirstOrDefault("");
        }

        return result;
    }

    // AnyValue: string 1, bool 2, int 3, double 4, array 5.
    private static string Value(ProtoMessage value) => value switch
    {
        _ when value.Has(1) => value.Text(1),
        _ when value.Has(2) => value.Number(2) == 1 ? "true" : "false",
        _ when value.Has(3) => value.Number(3).ToString(CultureInfo.InvariantCulture),
        _ when value.Has(4) =>
            BitConverter.Int64BitsToDouble(value.Number(4)).ToString(CultureInfo.InvariantCulture),
        _ when value.Has(5) => string.Join(',', value.Messages(5).First().Messages(1).Select(Value)),
        _ => "",
    };
}

/// <summary>A protobuf message whose schema the reader knows by heart.</summary>
internal sealed class ProtoMessage
{
    private readonly List<(int Field, long Number, byte[] Bytes)> _fields = [];

    public ProtoMessage(ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            long tag = Varint(ref data);
            (int field, int type) = ((int)(tag >> 3), (int)(tag & 7));
            switch (type)
            {
                case 0:
                    _fields.Add((field, Varint(ref data), []));
                    break;
                case 1:
                    _fields.Add((field, BinaryPrimitives.ReadInt64LittleEndian(data), []));
                    data = data[8..];
                    break;
                case 2:
                    int length = (int)Varint(ref data);
                    _fields.Add((field, 0, data[..length].ToArray()));
                    data = data[length..];
                    break;
                default:
                    _fields.Add((field, BinaryPrimitives.ReadInt32LittleEndian(data), []));
                    data = data[4..];
                    break;
            }
        }
    }

    public bool Has(int field) => _fields.Exists(entry => entry.Field == field);

    public long Number(int field) => _fields.Find(entry => entry.Field == field).Number;

    public byte[] Bytes(int field) => _fields.Find(entry => entry.Field == field).Bytes ?? [];

    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field));

    public IEnumerable<ProtoMessage> Messages(int field) =>
        _fields.Where(entry => entry.Field == field).Select(entry => new ProtoMessage(entry.Bytes));

    private static long Varint(ref ReadOnlySpan<byte> data)
    {
        long value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = data[0];
            data = data[1..];
            value |= (long)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
