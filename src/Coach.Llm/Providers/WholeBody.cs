using System.Text.Json;

namespace Coach.Llm.Providers;

/// <summary>
/// Takes a body that is no event stream apart: one JSON value; several, a line each, as Ollama sends them; or an array,
/// as Gemini sends a stream that was not asked for as events.
/// </summary>
internal static class WholeBody
{
    /// <summary>Where its values stand. What is no JSON is one piece, for the decoder to complain about.</summary>
    public static List<Range> Pieces(ReadOnlySpan<byte> body)
    {
        List<Range> pieces = [];
        var options = new JsonReaderOptions { AllowMultipleValues = true };
        var reader = new Utf8JsonReader(body, isFinalBlock: true, new JsonReaderState(options));
        try
        {
            while (reader.Read())
            {
                bool isList = reader.TokenType == JsonTokenType.StartArray && reader.CurrentDepth == 0;
                if (isList)
                {
                    continue; // its elements follow
                }

                if (reader.TokenType == JsonTokenType.EndArray)
                {
                    continue;
                }

                int from = (int)reader.TokenStartIndex;
                reader.Skip();
                pieces.Add(from..(int)reader.BytesConsumed);
            }
        }
        catch (JsonException)
        {
            int read = pieces.Count == 0 ? 0 : pieces[^1].End.Value;
            ReadOnlySpan<byte> rest = body[read..].Trim(" \t\r\n,"u8);
            if (pieces.Count == 0 || !rest.IsEmpty)
            {
                pieces.Add(read..body.Length);
            }
        }

        return pieces;
    }
}
