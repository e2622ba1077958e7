using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.Gemini;

/// <summary>
/// A call whose arguments come in pieces, each with its place in them, as Vertex AI streams them where a client in
/// front asked for it.
/// </summary>
internal sealed class PartialCall(string id, string name)
{
    private readonly JsonObject _arguments = [];
    private string? _open; // the place of a text that goes on with the next piece

    /// <summary>The signature that came with its beginning.</summary>
    public string? Signature { get; set; }

    /// <summary>Takes the pieces of a list at whose beginning the reader stands; of anything else nothing.</summary>
    public void Add(Utf8JsonReader pieces)
    {
        if (pieces.TokenType != JsonTokenType.StartArray)
        {
            return;
        }

        using JsonDocument list = JsonDocument.ParseValue(ref pieces);
        foreach (JsonElement piece in list.RootElement.EnumerateArray())
        {
            if (piece.Text("jsonPath") is { } path)
            {
                Set(path, ValueOf(piece));
                _open = piece.Flag("willContinue") == true ? path : null;
            }
        }
    }

    /// <summary>The call as far as it came.</summary>
    public FunctionCallContent End()
    {
        FunctionCallContent call = JsonText.Call(id, name, Encoding.UTF8.GetBytes(_arguments.ToJsonString()));
        if (Signature is not null)
        {
            ReasoningSignatures.Attach(call, Signature);
        }

        return call;
    }

    private static JsonNode? ValueOf(JsonElement piece)
    {
        if (piece.Text("stringValue") is { } text)
        {
            return text;
        }

        if (piece.Flag("boolValue") is { } flag)
        {
            return flag;
        }

        return piece.Member("numberValue") is { ValueKind: JsonValueKind.Number } number
            ? JsonValue.Create(number.Clone())
            : null;
    }

    private void Set(string path, JsonNode? value)
    {
        List<object> steps = Steps(path);
        JsonNode holder = _arguments;
        for (int i = 0; i < steps.Count; i++)
        {
            bool isLast = i == steps.Count - 1;
            JsonNode? here = Get(holder, steps[i]);
            if (isLast)
            {
                bool goesOn = path == _open && here is JsonValue && value is JsonValue;
                Put(holder, steps[i], goesOn ? here!.ToString() + value : value);
            }
            else
            {
                JsonNode next = steps[i + 1] is int ? new JsonArray() : new JsonObject();
                if (here is not null && here.GetType() == next.GetType())
                {
                    next = here;
                }
                else
                {
                    Put(holder, steps[i], next);
                }

                holder = next;
            }
        }
    }

    private static JsonNode? Get(JsonNode holder, object step) => (holder, step) switch
    {
        (JsonObject members, string name) => members[name],
        (JsonArray list, int at) when at < list.Count => list[at],
        _ => null,
    };

    private static void Put(JsonNode holder, object step, JsonNode? value)
    {
        switch (holder, step)
        {
            case (JsonObject members, string name):
                members[name] = value;
                break;
            case (JsonArray list, int at) when at < list.Count:
                list[at] = value;
                break;
            case (JsonArray list, _):
                list.Add(value); // they come in order
                break;
        }
    }

    // "$.a.b[0]['c']": names and numbers.
    private static List<object> Steps(string path)
    {
        List<object> steps = [];
        int at = path.StartsWith('$') ? 1 : 0;
        while (at < path.Length)
        {
            bool isBracket = path[at] == '[';
            int from = isBracket || path[at] == '.' ? at + 1 : at;
            int to = path.IndexOfAny(isBracket ? [']'] : ['.', '['], from);
            to = to < 0 ? path.Length : to;
            string step = path[from..to];
            at = isBracket ? to + 1 : to;
            if (step.Length == 0)
            {
                continue;
            }

            bool isNumber = int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out int number);
            steps.Add(isBracket && isNumber ? number : step.Trim('\'', '"'));
        }

        return steps;
    }
}
