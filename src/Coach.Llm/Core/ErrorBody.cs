using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Coach.Llm.Json;

namespace Coach.Llm.Core;

/// <summary>
/// What a provider's error says, read from whatever arrived: whole or cut JSON, wrapped in an array or not, HTML, text,
/// nothing. Never throws. Its texts may echo keys: they are matched against, never shown.
/// </summary>
internal sealed class ErrorBody
{
    private const int MaxText = 4096;

    private bool _isFlat;

    private ErrorBody()
    {
    }

    /// <summary>Whether it begins as JSON.</summary>
    public bool IsJson { get; private set; }

    /// <summary>Whether it holds one whole JSON value, whatever follows.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>
    /// Whether it is bare text, which no JSON API sends: an edge or a proxy does, and Cartesia's older versions.
    /// </summary>
    public bool IsText => !IsJson && !IsHtml && !IsEmpty;

    /// <summary>Whether it is a page, as edges and proxies send.</summary>
    public bool IsHtml { get; private set; }

    public bool IsEmpty { get; private set; }

    /// <summary>Whether it has an <c>error</c> member that is says something, or Cartesia's error form.</summary>
    public bool HasError { get; private set; }

    /// <summary>Whether it has an <c>error</c> that says something: a code, status, type or message.</summary>
    public bool HasDetails { get; private set; }

    /// <summary>Whether it has Cartesia's title or code.</summary>
    public bool HasTitle { get; private set; }

    /// <summary>Whether the outermost object says <c>"type":"error"</c> (Anthropic).</summary>
    public bool IsTypedError { get; private set; }

    /// <summary><c>error.code</c>, where it is a number or a string that holds one.</summary>
    public int? CodeNumber { get; private set; }

    /// <summary><c>error.status</c> (Azure) or <c>error.status_code</c> (Groq), where it is a number.</summary>
    public int? StatusNumber { get; private set; }

    /// <summary><c>error.code</c> as text (OpenAI), or <c>error_code</c> (Cartesia); "" if absent.</summary>
    public string Code { get; private set; } = "";

    /// <summary><c>error.status</c> (Google); "" if absent.</summary>
    public string Status { get; private set; } = "";

    /// <summary>
    /// <c>error.param</c> (OpenAI), or the first <c>error.details[].fieldViolations[].field</c> (Google); "" if absent.
    /// </summary>
    public string Parameter { get; private set; } = "";

    /// <summary><c>error.type</c>; "" if absent.</summary>
    public string Type { get; private set; } = "";

    /// <summary><c>error.message</c>, or the nearest thing to it; "" if absent.</summary>
    public string Message { get; private set; } = "";

    /// <summary><c>error.details[].reason</c> (Google), <c>error.details.error_code</c> (Anthropic).</summary>
    public List<string> Reasons { get; } = [];

    /// <summary><c>error.details[].violations[].quotaId</c> (Google).</summary>
    public List<string> QuotaIds { get; } = [];

    /// <summary>Whether a quota's value is 0: the model is not available without billing.</summary>
    public bool HasZeroQuota { get; private set; }

    /// <summary><c>error.details[].retryDelay</c> (Google).</summary>
    public string? RetryDelay { get; private set; }

    /// <summary><c>error.metadata.headers.X-RateLimit-Reset</c> (OpenRouter).</summary>
    public string? ResetEpoch { get; private set; }

    public bool HasReason(string reason) => Reasons.Contains(reason, StringComparer.Ordinal);

    public bool Says(string text) => Message.Contains(text, StringComparison.OrdinalIgnoreCase);

    public static ErrorBody Parse(ReadOnlySpan<byte> body)
    {
        var result = new ErrorBody();
        if (body.StartsWith("\uFEFF"u8))
        {
            body = body[3..];
        }

        body = body.TrimStart(" \t\r\n"u8);
        if (body.IsEmpty)
        {
            result.IsEmpty = true;
            return result;
        }

        body = Unframed(body);
        if (body[0] == (byte)'<')
        {
            result.IsHtml = true;
            return result;
        }

        if (body[0] is not ((byte)'{' or (byte)'['))
        {
            result.Message = Clip(Encoding.UTF8.GetString(body[..Math.Min(body.Length, MaxText)]));
            return result;
        }

        result.IsJson = true;
        result.ReadJson(body);
        return result;
    }

    // An error as an event of a stream: what stands behind the first "data:".
    private static ReadOnlySpan<byte> Unframed(ReadOnlySpan<byte> body)
    {
        if (!body.StartsWith("data:"u8) && !body.StartsWith("event:"u8) && !body.StartsWith(":"u8))
        {
            return body;
        }

        int at = body.IndexOf("data:"u8);
        ReadOnlySpan<byte> data = at < 0 ? [] : body[(at + 5)..].TrimStart(" \t\r\n"u8);
        return data.IsEmpty || data[0] is not ((byte)'{' or (byte)'[') ? body : data;
    }

    private void ReadJson(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
        var path = new List<string>();
        string name = "";
        try
        {
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.PropertyName:
                        name = reader.GetString() ?? "";
                        break;
                    case JsonTokenType.StartObject or JsonTokenType.StartArray:
                        HasError |= Joined(path, name) == "error" && LenientJson.SaysSomething(reader);
                        path.Add(name);
                        name = "";
                        break;
                    case JsonTokenType.EndObject or JsonTokenType.EndArray:
                        path.RemoveAt(path.Count - 1);
                        name = "";
                        IsComplete = path.Count == 0;
                        break;
                    default:
                        Take(Joined(path, name), ref reader);
                        break;
                }
            }
        }
        catch (JsonException)
        {
            // What was read up to here still counts.
        }
        catch (InvalidOperationException)
        {
            // A string that is not UTF-8.
        }
    }

    // Arrays have no names of their own, so that what stands in one is found like what does not.
    private static string Joined(List<string> path, string name) =>
        string.Join('.', path.Append(name).Where(part => part.Length > 0));

    private void Take(string path, ref Utf8JsonReader reader)
    {
        if (reader.TokenType is JsonTokenType.Null or JsonTokenType.True or JsonTokenType.False)
        {
            HasError |= path == "title" || (path == "error" && reader.TokenType == JsonTokenType.True);
            return;
        }

        string text = Clip(reader.TokenType == JsonTokenType.String
            ? reader.GetString() ?? ""
            : Encoding.UTF8.GetString(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan));
        HasDetails |= text.Length > 0 && path is ("error.code" or "error.status" or "error.type" or "error.message");
        switch (path)
        {
            case "type":
                IsTypedError = text == "error";
                break;
            case "object": // vLLM and others: {object, message, type, code}
                _isFlat = text == "error";
                HasError |= _isFlat;
                HasDetails |= _isFlat;
                break;
            case "param" when _isFlat:
            case "error.param":
                Parameter = text;
                break;
            // FastAPI, and Mistral's form of it: the path of what is wrong, its last part last.
            case "detail.loc" or "message.detail.loc" or "error.message.detail.loc":
                Parameter = text;
                break;
            case "detail.msg" or "message.detail.msg" or "error.message.detail.msg":
                Message = Message.Length == 0 ? text : Message;
                break;
            case "error.details.fieldViolations.field":
                Parameter = Parameter.Length == 0 ? text : Parameter;
                break;
            case "code" when _isFlat:
                TakeCode(text);
                break;
            case "error":
                HasError |= text is not ("" or "0");
                Message = Message.Length == 0 ? text : Message;
                break;
            case "error.code":
                TakeCode(text);
                break;
            case "error.status" or "error.status_code" when int.TryParse(
                text, NumberStyles.None, CultureInfo.InvariantCulture, out int status):
                StatusNumber = status;
                break;
            case "error.status":
                Status = text;
                break;
            case "error.type":
                Type = text;
                break;
            case "error.message":
                Message = text;
                break;
            case "error.details.reason" or "error.details.error_code":
                Reasons.Add(text);
                break;
            // the second: before QuotaFailure existed
            case "error.details.violations.quotaId" or "error.details.metadata.quota_limit":
                QuotaIds.Add(text);
                break;
            case "error.details.violations.quotaValue" or "error.details.metadata.quota_limit_value":
                HasZeroQuota |= text == "0";
                break;
            case "error.details.retryDelay":
                RetryDelay = text;
                break;
            case "error.details.retryDelay.seconds":
                RetryDelay = text + "s";
                break;
            case "error.metadata.headers.X-RateLimit-Reset": // OpenRouter, where the header itself was lost
                ResetEpoch = text;
                break;
            case "error.metadata.retry_after_seconds" or "error.metadata.retry_after" or "error.retry_after":
                RetryDelay ??= text + "s";
                break;
            case "error_code": // Cartesia: {error_code, title, message, request_id}
                HasError = HasTitle = true;
                Code = text;
                break;
            case "title":
                HasError = HasTitle = true;
                break;
            case "message" or "detail":
                Message = Message.Length == 0 ? text : Message;
                break;
        }
    }

    private void TakeCode(string text)
    {
        Code = text;
        CodeNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : null;
    }

    private static string Clip(string text) => text.Length <= MaxText ? text : text[..MaxText];
}
