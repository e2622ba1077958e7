using System.Buffers;
using System.Text.Json;
using Processor.Execution;
using Processor.Runs;

namespace Processor.Protocol;

/// <summary>Writes frames in the generation that a connection speaks. Not for two writers at once.</summary>
internal sealed class FrameWriter(Generation generation, string runId)
{
    private readonly ArrayBufferWriter<byte> _buffer = new(256);

    private bool IsNewer => generation == Generation.Newer;

    public ReadOnlyMemory<byte> Ack(RunState state) => Write(json =>
    {
        json.WriteString("kind"u8, "Ack");
        json.WriteStartObject(IsNewer ? "control" : "content");
        json.WriteString("run_id"u8, runId);
        json.WriteString("execution_id"u8, runId);
        json.WriteString("state"u8, state.ToString().ToUpperInvariant());
        json.WriteEndObject();
    });

    public ReadOnlyMemory<byte> Stream(RunFrame frame) => Write(json =>
    {
        json.WriteString("kind"u8, frame.Kind switch
        {
            FrameKind.Token => "Token"u8,
            FrameKind.Log => "Log"u8,
            _ => "Event"u8,
        });
        Control(json);
        json.WritePropertyName(IsNewer ? "data"u8 : "content"u8);
        json.WriteRawValue(frame.Content, skipInputValidation: true);
        json.WriteNumber("seq"u8, frame.Sequence);
        json.WriteNumber("t"u8, frame.UnixMilliseconds);
    });

    /// <summary>A frame for this connection alone, which has no number in the run.</summary>
    public ReadOnlyMemory<byte> Aside(string kind, Action<Utf8JsonWriter> content) => Write(json =>
    {
        json.WriteString("kind"u8, kind);
        Control(json);
        json.WriteStartObject(IsNewer ? "data" : "content");
        content(json);
        json.WriteEndObject();
    });

    public ReadOnlyMemory<byte> Final(RunOutcome outcome) => Write(json =>
    {
        json.WriteString("kind"u8, IsNewer ? "Response" : "RunResult");
        if (IsNewer)
        {
            WriteResponse(json, outcome);
        }
        else
        {
            json.WriteStartObject("content"u8);
            WriteEnvelope(json, outcome);
            json.WriteEndObject();
        }
    });

    /// <summary>
    /// Why the connection is closed. Before a generation is known the frame has the shape of both, so that either kind
    /// of
    /// client finds its fields.
    /// </summary>
    public ReadOnlyMemory<byte> Fault(ProtocolFault fault)
    {
        var outcome = new RunOutcome { RunId = fault.RunId, ErrorCode = fault.Code, ErrorMessage = fault.Message };
        return generation != Generation.Unknown ? Final(outcome) : Write(json =>
        {
            json.WriteString("kind"u8, "RunResult");
            json.WriteStartObject("content"u8);
            WriteEnvelope(json, outcome);
            json.WriteEndObject();
            WriteResponse(json, outcome);
        });
    }

    /// <summary>The older generation's envelope, which the verb <c>run</c> prints, too.</summary>
    public static void WriteEnvelope(Utf8JsonWriter json, RunOutcome outcome)
    {
        json.WriteString("status"u8, outcome.IsSuccess ? "success" : "error");
        json.WriteString("execution_id"u8, outcome.RunId);
        json.WriteString("run_id"u8, outcome.RunId);
        json.WriteString("mode"u8, outcome.Mode);
        json.WriteNumber("cost_micro"u8, outcome.CostMicro);
        if (outcome.IsSuccess)
        {
            json.WriteStartArray("outputs"u8);
            foreach (OutputFile output in outcome.Outputs)
            {
                output.WriteTo(json);
            }

            json.WriteEndArray();
            json.WriteString("index_path"u8, outcome.IndexPath);
        }

        WriteError(json, outcome);
        WriteMeta(json, outcome);
    }

    private static void WriteResponse(Utf8JsonWriter json, RunOutcome outcome)
    {
        json.WriteStartObject("control"u8);
        json.WriteString("run_id"u8, outcome.RunId);
        json.WriteString("status"u8, outcome.IsSuccess ? "success" : "error");
        json.WriteString("mode"u8, outcome.Mode);
        json.WriteNumber("cost_micro"u8, outcome.CostMicro);
        json.WriteBoolean("final"u8, true);
        json.WriteEndObject();
        json.WriteStartObject("outputs"u8);
        foreach ((string key, string path) in outcome.Named)
        {
            json.WriteString(key, path);
        }

        json.WriteEndObject();
        WriteError(json, outcome);
        WriteMeta(json, outcome);
    }

    private static void WriteError(Utf8JsonWriter json, RunOutcome outcome)
    {
        if (outcome.IsSuccess)
        {
            return;
        }

        json.WriteStartObject("error"u8);
        json.WriteString("code"u8, outcome.ErrorCode);
        json.WriteString("message"u8, outcome.ErrorMessage);
        json.WriteEndObject();
    }

    private static void WriteMeta(Utf8JsonWriter json, RunOutcome outcome)
    {
        json.WriteStartObject("meta"u8);
        json.WriteString("image_digest"u8, outcome.ImageDigest);
        json.WriteString("env_fingerprint"u8, outcome.EnvFingerprint);
        json.WriteNumber("duration_ms"u8, (long)outcome.Duration.TotalMilliseconds);
        if (outcome.FirstToken is { } first)
        {
            json.WriteNumber("first_token_ms"u8, (long)first.TotalMilliseconds);
        }

        if (outcome.InputTokens is not null || outcome.OutputTokens is not null)
        {
            json.WriteStartObject("usage"u8);
            json.WriteNumber("input_tokens"u8, outcome.InputTokens ?? 0);
            json.WriteNumber("output_tokens"u8, outcome.OutputTokens ?? 0);
            json.WriteEndObject();
        }

        if (!outcome.IsCostKnown)
        {
            json.WriteBoolean("cost_known"u8, false);
        }

        json.WriteEndObject();
    }

    private void Control(Utf8JsonWriter json)
    {
        if (IsNewer)
        {
            json.WriteStartObject("control"u8);
            json.WriteString("run_id"u8, runId);
            json.WriteEndObject();
        }
    }

    private ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        _buffer.ResetWrittenCount();
        using var json = new Utf8JsonWriter(_buffer);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
        json.Flush();
        return _buffer.WrittenMemory;
    }
}
