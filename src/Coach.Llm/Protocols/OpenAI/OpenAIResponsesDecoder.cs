using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>
/// Reads answers of OpenAI's Responses API: events about items (thoughts, messages, calls) that are told piece by
/// piece, told again whole, and once more in the response that ends the stream; or that response alone. What came in
/// pieces is passed over when it is told again, and what a server did not tell in pieces is taken whole.
/// </summary>
internal sealed class OpenAIResponsesDecoder(string origin, int earlierCalls, bool hasTools) : StreamDecoder
{
    private const string Message = "message";
    private const string Call = "function_call";
    private const string Reasoning = "reasoning";
    private const string Picture = "image_generation_call";
    private const string Refusal = "refusal";

    // Names that are known and not needed, by the object they stand in.
    private static readonly byte[][] EventNames =
    [
        [.. "type"u8], [.. "sequence_number"u8], [.. "item_id"u8], [.. "logprobs"u8], [.. "obfuscation"u8],
        [.. "name"u8], [.. "call_id"u8], [.. "response_id"u8], [.. "event_id"u8], [.. "status"u8], [.. "error"u8],
    ];

    private static readonly byte[][] ResponseNames =
    [
        [.. "object"u8], [.. "created_at"u8], [.. "completed_at"u8], [.. "error"u8], [.. "background"u8],
        [.. "billing"u8], [.. "content_filters"u8], [.. "conversation"u8], [.. "frequency_penalty"u8],
        [.. "instructions"u8], [.. "max_output_tokens"u8], [.. "max_tool_calls"u8], [.. "metadata"u8],
        [.. "moderation"u8], [.. "output_text"u8], [.. "parallel_tool_calls"u8], [.. "presence_penalty"u8],
        [.. "previous_response_id"u8], [.. "prompt"u8], [.. "prompt_cache_key"u8], [.. "prompt_cache_retention"u8],
        [.. "reasoning"u8], [.. "safety_identifier"u8], [.. "service_tier"u8], [.. "store"u8], [.. "temperature"u8],
        [.. "text"u8], [.. "tool_choice"u8], [.. "tool_usage"u8], [.. "tools"u8], [.. "top_logprobs"u8],
        [.. "top_p"u8], [.. "truncation"u8], [.. "type"u8], [.. "user"u8],
    ];

    // What tools that run at the provider tell of themselves, by how the type begins.
    private static readonly string[] ProvidersOwnItems =
    [
        "web_search", "file_search", "code_interpreter", "image_generation", "mcp_", "computer", "local_shell",
        "shell", "apply_patch", "custom_tool", "tool_search", "compaction", "program",
    ];

    private readonly List<Item> _items = [];
    private readonly List<string> _seenCalls = [];
    private List<AIContent>? _last; // what the end of the answer still told
    private StringBuilder? _refusal;
    private UsageDetails? _usage;
    private ChatFinishReason? _finish;
    private int _nextCall = earlierCalls;
    private bool _hasText;
    private bool _hasEnd;

    private enum EventKind
    {
        // Pieces of an item.
        TextDelta,
        TextDone,
        RefusalDelta,
        RefusalDone,
        ThoughtDelta,
        ThoughtDone,
        ThoughtPart,
        ArgumentsDelta,
        ArgumentsDone,

        // Items and their parts.
        PartDone,
        ItemBegin,
        ItemDone,

        // Responses.
        Progress,
        End,
        Incomplete,
        Cancelled,
        Failed,
        Bare,

        Error,
        Silent,
        Unknown,
    }

    public override UsageDetails? Counted => _usage;

    /// <summary>
    /// Also without the event that ends a response, if every item that began was told whole and nothing can follow the
    /// last: no call, because there are no tools or the server says that it is done.
    /// </summary>
    public override bool IsComplete => _hasEnd || (
        (!hasTools || IsEnded) && _items.Count > 0 && _items[^1].CanBeLast && _items.TrueForAll(item => item.IsDone));

    public override ChatResponseUpdate? Finish()
    {
        if (!IsComplete)
        {
            throw ProtocolException.Interrupted();
        }

        List<AIContent>? contents = _last;
        AddHalves(ref contents);
        if (_refusal is not null)
        {
            (contents ??= []).Add(
                new ErrorContent(LenientJson.WellFormed(_refusal.ToString())) { ErrorCode = Refusal });
        }

        if (_usage is not null)
        {
            (contents ??= []).Add(new UsageContent(_usage));
        }

        ChatResponseUpdate update = Update(contents ?? []);
        update.FinishReason = _finish ?? (_seenCalls.Count > 0 ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop);
        return update;
    }

    protected override ChatResponseUpdate? DecodeEvent(
        ReadOnlySpan<byte> eventType, ReadOnlySpan<byte> data, ref Utf8JsonReader reader)
    {
        List<AIContent>? contents = null;
        EventKind kind = KindOf(reader, eventType);
        switch (kind)
        {
            case <= EventKind.ArgumentsDone:
                ReadPiece(ref reader, kind, ref contents);
                break;
            case <= EventKind.ItemDone:
                ReadItemEvent(ref reader, kind, ref contents);
                break;
            case < EventKind.Bare:
                ReadResponseEvent(ref reader, data, kind);
                break;
            case EventKind.Bare:
                ReadResponse(ref reader, data, kind);
                break;
            case EventKind.Error:
                throw ErrorOf(data);
            case EventKind.Silent:
                reader.Skip();
                break;
            default:
                Additions.Event();
                reader.Skip();
                break;
        }

        End(ref reader);
        return contents is null ? null : Update(contents);
    }

    // The type stands within the data; the event's own name counts where a server leaves it out. A response that came
    // alone has neither, and an error of a gateway is an error in whatever protocol.
    private static EventKind KindOf(Utf8JsonReader reader, ReadOnlySpan<byte> eventType)
    {
        bool isResponse = false;
        while (reader.ReadMember())
        {
            bool isType = reader.Is("type"u8);
            bool isError = reader.Is("error"u8);
            isResponse |= reader.Is("output"u8) || reader.Is("incomplete_details"u8);
            reader.Read();
            if (isType && reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length > 0)
            {
                return KindOf(reader.ValueSpan);
            }

            if (isError && LenientJson.SaysSomething(reader))
            {
                return EventKind.Error;
            }

            reader.Skip();
        }

        return isResponse ? EventKind.Bare : KindOf(eventType);
    }

    private static EventKind KindOf(ReadOnlySpan<byte> type)
    {
        if (type.SequenceEqual("response.output_text.delta"u8))
        {
            return EventKind.TextDelta;
        }

        if (type.SequenceEqual("response.function_call_arguments.delta"u8))
        {
            return EventKind.ArgumentsDelta;
        }

        return type.SequenceEqual("response.reasoning_summary_text.delta"u8)
            ? EventKind.ThoughtDelta
            : RareKindOf(Encoding.UTF8.GetString(type));
    }

    private static EventKind RareKindOf(string type) => type switch
    {
        "response.output_text.done" => EventKind.TextDone,
        "response.refusal.delta" => EventKind.RefusalDelta,
        "response.refusal.done" => EventKind.RefusalDone,
        "response.reasoning_text.delta" or "response.reasoning.delta" => EventKind.ThoughtDelta,
        "response.reasoning_summary_text.done" or "response.reasoning_text.done" => EventKind.ThoughtDone,
        "response.reasoning_summary_part.added" => EventKind.ThoughtPart,
        "response.function_call_arguments.done" => EventKind.ArgumentsDone,
        "response.content_part.done" => EventKind.PartDone,
        "response.output_item.added" => EventKind.ItemBegin,
        "response.output_item.done" => EventKind.ItemDone,
        "response.created" or "response.in_progress" or "response.queued" => EventKind.Progress,
        "response.completed" or "response.done" => EventKind.End,
        "response.incomplete" => EventKind.Incomplete,
        "response.cancelled" => EventKind.Cancelled,
        "response.failed" => EventKind.Failed,
        "response" => EventKind.Bare,
        "error" or "response.error" => EventKind.Error,
        "keepalive" or "ping" or "response.content_part.added" or "response.reasoning_summary_part.done"
            or "response.reasoning_part.added" or "response.reasoning_part.done"
            or "response.output_text.annotation.added" => EventKind.Silent,
        _ => IsProvidersOwn(type, "response.".Length) ? EventKind.Silent : EventKind.Unknown,
    };

    private static bool IsProvidersOwn(string type, int start) => type.Length > start && Array.Exists(
        ProvidersOwnItems, prefix => type.AsSpan(start).StartsWith(prefix, StringComparison.Ordinal));

    private void ReadPiece(ref Utf8JsonReader reader, EventKind kind, ref List<AIContent>? contents)
    {
        string? text = null;
        long? index = null;
        long part = 0;
        while (reader.ReadMember())
        {
            if (reader.Is("delta"u8) || reader.Is("text"u8) || reader.Is("arguments"u8) || reader.Is("refusal"u8))
            {
                text = LenientJson.Text(ref reader) ?? text;
            }
            else if (reader.Is("output_index"u8))
            {
                index = reader.ReadNumber();
            }
            else if (reader.Is("content_index"u8) || reader.Is("summary_index"u8))
            {
                part = reader.ReadNumber() ?? 0;
            }
            else if (kind == EventKind.ThoughtPart && reader.Is("part"u8))
            {
                reader.Skip(); // empty at its beginning
            }
            else
            {
                Skip(ref reader, EventNames);
            }
        }

        switch (kind)
        {
            case EventKind.TextDelta or EventKind.TextDone:
                TakeText(Find(index, Message), part, text, kind == EventKind.TextDone, ref contents);
                break;
            case EventKind.RefusalDelta:
                (_refusal ??= new StringBuilder()).Append(text);
                break;
            case EventKind.RefusalDone:
                TakeRefusal(text);
                break;
            case EventKind.ThoughtDelta or EventKind.ThoughtDone:
                TakeThought(Find(index, Reasoning), part, text, kind == EventKind.ThoughtDone, ref contents);
                break;
            case EventKind.ThoughtPart:
                NextThought(Find(index, Reasoning), ref contents);
                break;
            case EventKind.ArgumentsDelta:
                Find(index, Call).Arguments.Append(text);
                break;
            default:
                Find(index, Call).TakeArguments(text);
                break;
        }
    }

    private void ReadItemEvent(ref Utf8JsonReader reader, EventKind kind, ref List<AIContent>? contents)
    {
        long? index = null;
        long part = 0;
        ItemMembers item = default;
        while (reader.ReadMember())
        {
            if (reader.Is("item"u8) || reader.Is("part"u8))
            {
                if (reader.ReadObject())
                {
                    ReadItem(ref reader, ref item);
                }
            }
            else if (reader.Is("output_index"u8))
            {
                index = reader.ReadNumber();
            }
            else if (reader.Is("content_index"u8))
            {
                part = reader.ReadNumber() ?? 0;
            }
            else
            {
                Skip(ref reader, EventNames);
            }
        }

        switch (kind)
        {
            case EventKind.PartDone when item.Type is "output_text" or "text":
                TakeText(Find(index, Message), part, item.Text, isWhole: true, ref contents);
                break;
            case EventKind.PartDone when item.Type == Refusal:
                TakeRefusal(item.Text);
                break;
            case EventKind.ItemBegin when item.Type is not null:
                Begin(index, ref item);
                break;
            case EventKind.ItemDone when item.Type is not null:
                Done(FindForItem(index, ref item), ref item, ref contents);
                break;
        }
    }

    private void ReadResponseEvent(ref Utf8JsonReader reader, ReadOnlySpan<byte> data, EventKind kind)
    {
        bool wasRead = false;
        while (reader.ReadMember())
        {
            if (reader.Is("response"u8))
            {
                wasRead = true;
                if (reader.ReadObject())
                {
                    ReadResponse(ref reader, data, kind);
                }
            }
            else
            {
                Skip(ref reader, EventNames);
            }
        }

        if (!wasRead)
        {
            EndResponse(kind, null, null, default, data); // the end alone says enough
        }
    }

    // The members of a response, in whose object the reader is.
    private void ReadResponse(ref Utf8JsonReader reader, ReadOnlySpan<byte> data, EventKind kind)
    {
        Utf8JsonReader output = default;
        string? status = null;
        string? reason = null;
        while (reader.ReadMember())
        {
            if (reader.Is("id"u8))
            {
                ReadResponseId(ref reader);
            }
            else if (reader.Is("model"u8))
            {
                ReadModelId(ref reader);
            }
            else if (reader.Is("status"u8))
            {
                status = LenientJson.Name(ref reader);
            }
            else if (reader.Is("incomplete_details"u8))
            {
                reason = ReadReason(ref reader);
            }
            else if (reader.Is("usage"u8))
            {
                ReadUsage(ref reader);
            }
            else if (reader.Is("output"u8))
            {
                reader.Read();
                output = reader;
                reader.Skip();
            }
            else
            {
                Skip(ref reader, ResponseNames);
            }
        }

        EndResponse(kind, status, reason, output, data);
    }

    private void EndResponse(
        EventKind kind, string? status, string? reason, Utf8JsonReader output, ReadOnlySpan<byte> data)
    {
        bool hasOutput = output.TokenType == JsonTokenType.StartArray;
        if (kind == EventKind.Failed || (kind != EventKind.Progress && status == "failed"))
        {
            throw ErrorOf(data);
        }

        if (kind == EventKind.Cancelled)
        {
            throw ProtocolException.Interrupted();
        }

        bool isAtWork = status is "in_progress" or "queued" or "cancelled" || (status is null && !hasOutput);
        if (_hasEnd || kind == EventKind.Progress || (kind == EventKind.Bare && isAtWork))
        {
            return;
        }

        bool isIncomplete = kind == EventKind.Incomplete || status == "incomplete";
        if (hasOutput)
        {
            TakeOutput(output);
        }

        foreach (Item item in _items)
        {
            if (!item.IsDone && item.Type == Call)
            {
                AddCall(item, isIncomplete, ref _last);
            }
        }

        _finish = isIncomplete ? FinishReason(reason) : null;
        _hasEnd = IsEnded = true;
    }

    // The whole output once more: what of it was not told before.
    private void TakeOutput(Utf8JsonReader output)
    {
        bool hadText = _hasText;
        bool hadCalls = _seenCalls.Count > 0;
        bool hadThoughts = _items.Exists(item => item.IsDone && item.Type == Reasoning);
        while (LenientJson.NextElement(ref output))
        {
            if (!LenientJson.IsInObject(ref output))
            {
                continue;
            }

            ItemMembers item = default;
            ReadItem(ref output, ref item);
            string? type = item.Type;
            string? callId = item.CallId ?? item.Id;
            bool isKnown = type switch
            {
                null => true,
                Message => hadText,
                Reasoning => hadThoughts,
                Call => callId is null ? hadCalls : _seenCalls.Contains(callId),
                _ => _items.Exists(other => other.Type == type),
            };
            if (!isKnown)
            {
                Done(FindForItem(null, ref item), ref item, ref _last);
            }
        }
    }

    private void TakeText(Item item, long part, string? text, bool isWhole, ref List<AIContent>? contents)
    {
        if (text is { Length: > 0 } && !(isWhole && item.HasPart(part)))
        {
            item.MarkPart(part);
            _hasText = true;
            AddText(ref contents, text);
        }
    }

    private void TakeRefusal(string? text)
    {
        if (_refusal is null && text is { Length: > 0 })
        {
            _refusal = new StringBuilder(text);
        }
    }

    private void TakeThought(Item item, long part, string? text, bool isWhole, ref List<AIContent>? contents)
    {
        if (text is { Length: > 0 } && !(isWhole && item.HasPart(part)))
        {
            item.MarkPart(part);
            AddThought(ref contents, text);
        }
    }

    // The parts of a summary are paragraphs, each with a heading of its own.
    private void NextThought(Item item, ref List<AIContent>? contents)
    {
        if (item.HasParts)
        {
            AddThought(ref contents, "\n\n");
        }
    }

    private Item Begin(long? index, ref ItemMembers members)
    {
        var item = new Item(index ?? _items.Count, members.Type!);
        item.Take(ref members);
        _items.Add(item);
        return item;
    }

    // The item that a piece belongs to. Servers that count none, or all alike, tell them one after the other.
    private Item Find(long? index, string type)
    {
        Item? last = _items.Count == 0 ? null : _items[^1];
        return last is not null && !last.IsDone && last.Type == type && (index is null || last.Index == index)
            ? last
            : FindBefore(index, type);
    }

    // Apart, so that what its conditions capture is made only when it is needed.
    private Item FindBefore(long? index, string type)
    {
        Item? item = index is null
            ? _items.FindLast(item => item.Type == type && !item.IsDone)
            : _items.FindLast(item => item.Type == type && item.Index == index);
        if (item is null)
        {
            _items.Add(item = new Item(index ?? _items.Count, type)); // its beginning was not told
        }

        return item;
    }

    private Item FindForItem(long? index, ref ItemMembers members)
    {
        (string type, string? id, string? callId) = (members.Type!, members.Id, members.CallId);
        return _items.Find(item => item.Type == type && item.IsSame(id, callId))
            ?? _items.Find(item => item.Type == type && !item.IsDone && (index is null || item.Index == index))
            ?? Begin(index, ref members);
    }

    private void Done(Item item, ref ItemMembers members, ref List<AIContent>? contents)
    {
        if (item.IsDone)
        {
            return;
        }

        item.Take(ref members);
        switch (item.Type)
        {
            case Message:
                TakeMessage(item, members.Content, ref contents);
                break;
            case Call:
                AddCall(item, members.IsIncomplete, ref contents);
                break;
            case Reasoning:
                TakeThoughts(item, members.Summary, ref contents);
                TakeThoughts(item, members.Content, ref contents);
                if (members.Encrypted is { } encrypted)
                {
                    AddHalves(ref contents);
                    (contents ??= []).Add(
                        new TextReasoningContent("") { ProtectedData = ReasoningSignatures.Seal(origin, encrypted) });
                }

                break;
            case Picture:
                AddPicture(ref members, ref contents);
                break;
            default:
                if (!IsProvidersOwn(item.Type, 0))
                {
                    Additions.Part();
                }

                break;
        }

        item.IsDone = true;
    }

    private void TakeMessage(Item item, Utf8JsonReader content, ref List<AIContent>? contents)
    {
        if (content.TokenType == JsonTokenType.String)
        {
            TakeText(item, 0, LenientJson.TextHere(ref content), isWhole: true, ref contents);
        }

        if (content.TokenType != JsonTokenType.StartArray)
        {
            return;
        }

        bool isTold = CountTexts(content) <= item.CountParts; // some servers number the parts otherwise in pieces
        for (long part = 0; LenientJson.NextElement(ref content); part++)
        {
            if (!LenientJson.IsInObject(ref content))
            {
                continue;
            }

            ItemMembers members = default;
            ReadItem(ref content, ref members);
            switch (members.Type)
            {
                case "output_text" or "text" when isTold:
                    break;
                case "output_text" or "text":
                    TakeText(item, part, members.Text, isWhole: true, ref contents);
                    break;
                case Refusal:
                    TakeRefusal(members.Text);
                    break;
                default:
                    Additions.Part();
                    break;
            }
        }
    }

    private static int CountTexts(Utf8JsonReader content)
    {
        int count = 0;
        while (LenientJson.NextElement(ref content))
        {
            if (LenientJson.IsInObject(ref content))
            {
                ItemMembers members = default;
                ReadItem(ref content, ref members);
                count += members.Type is "output_text" or "text" && members.Text is { Length: > 0 } ? 1 : 0;
            }
        }

        return count;
    }

    // What was asked for, where a picture was: its bytes; the type is told in one word, such as "webp".
    private static void AddPicture(ref ItemMembers members, ref List<AIContent>? contents)
    {
        Utf8JsonReader result = members.Result;
        if (result.TokenType == JsonTokenType.String && result.TryGetBytesFromBase64(out byte[]? bytes)
            && bytes.Length > 0)
        {
            string format = members.Format is "jpeg" or "webp" or "gif" ? members.Format : "png";
            (contents ??= []).Add(new DataContent(bytes, "image/" + format));
        }
    }

    private void TakeThoughts(Item item, Utf8JsonReader parts, ref List<AIContent>? contents)
    {
        if (item.HasParts || parts.TokenType != JsonTokenType.StartArray)
        {
            return;
        }

        for (long part = 0; LenientJson.NextElement(ref parts); part++)
        {
            if (LenientJson.IsInObject(ref parts))
            {
                ItemMembers members = default;
                ReadItem(ref parts, ref members);
                NextThought(item, ref contents);
                TakeThought(item, part, members.Text, isWhole: true, ref contents);
            }
        }
    }

    private void AddCall(Item item, bool isIncomplete, ref List<AIContent>? contents)
    {
        item.IsDone = true;
        string arguments = item.Arguments.ToString();
        string id = item.CallId ?? item.Id ?? "call_" + _nextCall.ToString(CultureInfo.InvariantCulture);

        // Of a call that was cut off nothing may run: without all its arguments it would be another call.
        if (_seenCalls.Contains(id) || (isIncomplete && !JsonText.IsObject(arguments)))
        {
            return;
        }

        _nextCall++;
        _seenCalls.Add(id);
        (contents ??= []).Add(
            item.Name is null ? NamelessCall() : JsonText.Call(id, item.Name, Encoding.UTF8.GetBytes(arguments)));
    }

    private ChatFinishReason FinishReason(string? reason)
    {
        switch (reason)
        {
            case "max_output_tokens" or "max_tokens" or "length":
                return ChatFinishReason.Length;
            case "content_filter":
                return ChatFinishReason.ContentFilter;
            default:
                Additions.StopReason();
                return new ChatFinishReason(reason?.ToLowerInvariant() ?? "incomplete");
        }
    }

    // An item, or a part of one, in whose object the reader is: the members that either has. Lists are remembered only,
    // because most of what they hold was told in pieces; and tools that run at the provider add whatever they like.
    private static void ReadItem(ref Utf8JsonReader reader, ref ItemMembers item)
    {
        while (reader.ReadMember())
        {
            if (reader.Is("type"u8))
            {
                item.Type = LenientJson.Name(ref reader);
            }
            else if (reader.Is("id"u8))
            {
                item.Id = LenientJson.Name(ref reader);
            }
            else if (reader.Is("call_id"u8))
            {
                item.CallId = LenientJson.Name(ref reader);
            }
            else if (reader.Is("name"u8))
            {
                item.Name = LenientJson.Name(ref reader);
            }
            else if (reader.Is("encrypted_content"u8))
            {
                item.Encrypted = LenientJson.Name(ref reader);
            }
            else if (reader.Is("status"u8))
            {
                item.IsIncomplete = ReadIs(ref reader, "incomplete"u8);
            }
            else if (reader.Is("phase"u8))
            {
                item.IsCommentary = ReadIs(ref reader, "commentary"u8);
            }
            else if (reader.Is("text"u8) || reader.Is("refusal"u8))
            {
                item.Text = LenientJson.Text(ref reader) ?? item.Text;
            }
            else if (reader.Is("arguments"u8))
            {
                reader.Read();
                item.Arguments = reader.TokenType == JsonTokenType.StartObject // not wrapped in a text
                    ? JsonElement.ParseValue(ref reader).GetRawText()
                    : LenientJson.TextHere(ref reader);
            }
            else if (reader.Is("content"u8))
            {
                reader.Read();
                item.Content = reader;
                reader.Skip();
            }
            else if (reader.Is("summary"u8))
            {
                reader.Read();
                item.Summary = reader;
                reader.Skip();
            }
            else if (reader.Is("result"u8))
            {
                reader.Read();
                item.Result = reader;
                reader.Skip();
            }
            else if (reader.Is("output_format"u8))
            {
                item.Format = LenientJson.Name(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static bool ReadIs(ref Utf8JsonReader reader, ReadOnlySpan<byte> text)
    {
        reader.Read();
        bool isIt = reader.TokenType == JsonTokenType.String && reader.Is(text);
        reader.Skip();
        return isIt;
    }

    private static string? ReadReason(ref Utf8JsonReader reader)
    {
        string? reason = null;
        if (reader.ReadObject())
        {
            while (reader.ReadMember())
            {
                if (reader.Is("reason"u8))
                {
                    reason = LenientJson.Name(ref reader);
                }
                else
                {
                    reader.Skip();
                }
            }
        }

        return reason;
    }

    private void ReadUsage(ref Utf8JsonReader reader)
    {
        if (!reader.ReadObject())
        {
            return;
        }

        _usage ??= new UsageDetails();
        while (reader.ReadMember())
        {
            if (reader.Is("input_tokens"u8))
            {
                _usage.InputTokenCount = reader.ReadNumber() ?? _usage.InputTokenCount;
            }
            else if (reader.Is("output_tokens"u8))
            {
                _usage.OutputTokenCount = reader.ReadNumber() ?? _usage.OutputTokenCount;
            }
            else if (reader.Is("total_tokens"u8))
            {
                _usage.TotalTokenCount = reader.ReadNumber() ?? _usage.TotalTokenCount;
            }
            else if (reader.Is("input_tokens_details"u8))
            {
                _usage.CachedInputTokenCount =
                    OpenAIStreamDecoder.Detail(ref reader, "cached_tokens"u8) ?? _usage.CachedInputTokenCount;
            }
            else if (reader.Is("output_tokens_details"u8))
            {
                _usage.ReasoningTokenCount =
                    OpenAIStreamDecoder.Detail(ref reader, "reasoning_tokens"u8) ?? _usage.ReasoningTokenCount;
            }
            else
            {
                reader.Skip(); // counts of many kinds come and go here, none of which is a part of the answer
            }
        }
    }

    // An error where the rules for errors look for it. It stands in "error" of the event or of its response; or it is
    // the event itself.
    private static ProtocolException ErrorOf(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        JsonElement root = document.RootElement;
        JsonElement? error = root.Member("error") ?? root.Object("response")?.Member("error");
        var body = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            writer.WritePropertyName("error");
            if (error is { } found)
            {
                found.WriteTo(writer);
            }
            else
            {
                writer.WriteStartObject();
                foreach (string name in (ReadOnlySpan<string>)["code", "message", "param"])
                {
                    if (root.Member(name) is { } value)
                    {
                        writer.WritePropertyName(name);
                        value.WriteTo(writer);
                    }
                }

                writer.WriteString("type", "server_error");
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        return ProtocolException.Error(body.WrittenSpan);
    }

    // What was read of an item or of a part of one.
    private ref struct ItemMembers
    {
        public string? Type;
        public string? Id;
        public string? CallId;
        public string? Name;
        public string? Arguments;
        public string? Encrypted;
        public string? Text;
        public bool IsIncomplete;
        public bool IsCommentary;
        public string? Format;
        public Utf8JsonReader Result;
        public Utf8JsonReader Content;
        public Utf8JsonReader Summary;
    }

    private sealed class Item(long index, string type)
    {
        private StringBuilder? _arguments;
        private ulong _parts;
        private bool _isCommentary;

        public long Index { get; } = index;

        public string Type { get; } = type;

        public string? Id { get; private set; }

        public string? CallId { get; private set; }

        public string? Name { get; private set; }

        public StringBuilder Arguments => _arguments ??= new StringBuilder();

        /// <summary>Whether it was told whole.</summary>
        public bool IsDone { get; set; }

        /// <summary>Whether an answer can end in it; a message that announces calls cannot.</summary>
        public bool CanBeLast => Type == Call || (Type == Message && !_isCommentary);

        /// <summary>Whether anything of it was told in pieces.</summary>
        public bool HasParts => _parts != 0;

        /// <summary>How many parts were told in pieces.</summary>
        public int CountParts => BitOperations.PopCount(_parts);

        public bool HasPart(long part) => (_parts & Bit(part)) != 0;

        public void MarkPart(long part) => _parts |= Bit(part);

        /// <summary>Whether the ids say so; within one answer, some servers change those of items.</summary>
        public bool IsSame(string? id, string? callId) =>
            (callId is not null && callId == CallId) || (callId is null && id is not null && id == Id);

        public void Take(ref ItemMembers members)
        {
            Id = members.Id ?? Id;
            CallId = members.CallId ?? CallId;
            Name = members.Name ?? Name;
            _isCommentary |= members.IsCommentary;
            TakeArguments(members.Arguments);
        }

        /// <summary>The arguments as a whole, which replaces the pieces.</summary>
        public void TakeArguments(string? whole)
        {
            if (whole is { Length: > 0 })
            {
                Arguments.Clear().Append(whole);
            }
        }

        // Parts past the 64th share a bit: none was ever seen with more than a few.
        private static ulong Bit(long part) => 1UL << (int)Math.Clamp(part, 0, 63);
    }
}
