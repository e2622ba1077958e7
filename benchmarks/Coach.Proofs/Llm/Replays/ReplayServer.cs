using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Coach.Proofs.Llm.Replays;

/// <summary>A server on loopback that sends what a case says.</summary>
internal sealed class ReplayServer : IAsyncDisposable
{
    private readonly ReplayCase _case;
    private readonly WebApplication _app;
    private readonly List<(string Path, string Body)> _requests = [];
    private int _turn;

    private ReplayServer(ReplayCase replay)
    {
        _case = replay;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(options => options.Limits.MaxRequestBodySize = null);
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public string Address => _app.Urls.First();

    public IReadOnlyList<(string Path, string Body)> Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    public static async Task<ReplayServer> StartAsync(ReplayCase replay)
    {
        var server = new ReplayServer(replay);
        await server._app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        string body = await reader.ReadToEndAsync(context.RequestAborted);
        string path = context.Request.Path.Value ?? "";
        IReadOnlyList<string> inputs = Inputs(body);
        ReplayAnswer? answer = Choose(path, body, inputs.Count);
        if (answer is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.ContentType;
        foreach ((string name, JsonNode? value) in answer.Headers)
        {
            context.Response.Headers[name] = value.AsText();
        }

        context.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
        string accepted = context.Request.Headers.AcceptEncoding.ToString();
        string? coding = answer.Gzip == "always" || (answer.Gzip is not null && accepted.Contains("gzip", StringComparison.Ordinal))
            ? "gzip"
            : answer.Coding;
        Stream target = context.Response.Body;
        if (coding is not null)
        {
            context.Response.Headers.ContentEncoding = coding;
            target = coding switch
            {
                "br" => new BrotliStream(target, CompressionLevel.Fastest),
                "deflate" => new ZLibStream(target, CompressionLevel.Fastest),
                _ => new GZipStream(target, CompressionLevel.Fastest),
            };
        }

        IReadOnlyList<byte[]> writes = answer.Embeddings is { } form ? [Vectors(form, inputs, path)] : answer.Writes;
        foreach (byte[] write in writes)
        {
            if (answer.DelayMs > 0)
            {
                await Task.Delay(answer.DelayMs, context.RequestAborted);
            }

            for (int at = 0; at < write.Length; at += answer.InBytes ? 1 : write.Length)
            {
                await target.WriteAsync(answer.InBytes ? write.AsMemory(at, 1) : write, context.RequestAborted);
                await target.FlushAsync(context.RequestAborted);
            }
        }

        if (target != context.Response.Body)
        {
            await target.DisposeAsync();
        }

        if (answer.EndsInReset)
        {
            await Task.Delay(100, context.RequestAborted); // a reset overtakes what was sent before it
            context.Abort();
        }
    }

    private ReplayAnswer? Choose(string path, string body, int inputs)
    {
        lock (_requests)
        {
            _requests.Add((path, body));
            if (_case.Answers.FirstOrDefault(answer => answer.When is not null && answer.Matches(path, body, inputs)) is { } ruled)
            {
                return ruled;
            }

            ReplayAnswer[] inTurn = [.. _case.Answers.Where(answer => answer.When is null)];
            return inTurn.Length == 0 ? null : inTurn[Math.Min(_turn++, inTurn.Length - 1)];
        }
    }

    private static IReadOnlyList<string> Inputs(string body)
    {
        JsonNode? json = null;
        try
        {
            json = JsonNode.Parse(body);
        }
        catch (System.Text.Json.JsonException)
        {
            // no JSON: no inputs
        }

        return json switch
        {
            JsonObject { } openAI when openAI["input"] is JsonArray list => [.. list.AsTexts()],
            JsonObject { } openAI when openAI["input"] is JsonValue one => [one.AsText() ?? ""],
            JsonObject { } gemini when gemini["requests"] is JsonArray list =>
                [.. list.Select(one => one.At("/content/parts/0/text").AsText() ?? "")],
            _ => [],
        };
    }

    /// <summary>The vectors say which text they are of: see <see cref="VectorOf"/>.</summary>
    private static byte[] Vectors(string form, IReadOnlyList<string> inputs, string path)
    {
        var list = new JsonArray();
        for (int at = 0; at < inputs.Count; at++)
        {
            float[] vector = VectorOf(inputs[at]);
            if (path.Contains("batchEmbedContents", StringComparison.Ordinal))
            {
                list.Add(new JsonObject { ["values"] = Floats(vector) });
                continue;
            }

            var item = new JsonObject { ["object"] = "embedding", ["embedding"] = form == "base64" ? Base64(vector) : Floats(vector) };
            if (form is not ("noIndex" or "no-index"))
            {
                item["index"] = form is "zeroIndex" or "zero-index" or "index0" or "index-0" ? 0 : at;
            }

            list.Insert(form is "reversed" or "shuffled" ? 0 : list.Count, item);
        }

        JsonObject answer = path.Contains("batchEmbedContents", StringComparison.Ordinal)
            ? new JsonObject { ["embeddings"] = list }
            : new JsonObject { ["object"] = "list", ["data"] = list, ["model"] = "e" };
        return Encoding.UTF8.GetBytes(answer.ToJsonString());
    }

    /// <summary>The vector of a text, of length 1: its first number is the angle, a thousandth each.</summary>
    public static float[] VectorOf(string text)
    {
        string digits = new([.. text.SkipWhile(letter => !char.IsAsciiDigit(letter)).TakeWhile(char.IsAsciiDigit).Take(6)]);
        float angle = digits.Length == 0 ? 0 : int.Parse(digits, CultureInfo.InvariantCulture) / 1000f;
        return [MathF.Cos(angle), MathF.Sin(angle)];
    }

    private static JsonArray Floats(float[] vector) => new([.. vector.Select(value => (JsonNode)value)]);

    private static string Base64(float[] vector)
    {
        byte[] bytes = new byte[vector.Length * 4];
        for (int at = 0; at < vector.Length; at++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(at * 4), vector[at]);
        }

        return Convert.ToBase64String(bytes);
    }
}
