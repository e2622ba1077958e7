using System.Globalization;
using System.Text.Json;
using Coach.Llm.Core;

namespace Coach.Llm.Keys;

/// <summary>Reads the models out of a list that was already found to be one, as far as it goes.</summary>
/// <param name="Models">The models, each once.</param>
/// <param name="IsWhole">Whether there are no others: not after a page or a cut.</param>
internal sealed record ModelList(IReadOnlyList<KeyModel> Models, bool IsWhole)
{
    public const int MaxModels = 1000;
    private const int MaxIdLength = 200;
    private const string GooglePrefix = "models/";

    /// <summary>Reads a list.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="member">Where the list is, unless the answer is the list itself.</param>
    /// <param name="key">The key that asked: what holds it is no model.</param>
    public static ModelList Read(ProviderAnswer answer, string member, string key)
    {
        var models = new Dictionary<string, KeyModel>(StringComparer.Ordinal);
        bool isWhole = !answer.IsTruncated;
        try
        {
            var reader = new Utf8JsonReader(answer.Json.Span, isFinalBlock: false, default);
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                ReadEntries(ref reader, models, key);
            }

            while (reader.Read())
            {
                if (reader.CurrentDepth != 1 || reader.TokenType != JsonTokenType.PropertyName)
                {
                    continue;
                }

                bool isMember = reader.ValueTextEquals(member);
                bool isPage = reader.ValueTextEquals("has_more"u8) || reader.ValueTextEquals("nextPageToken"u8);
                reader.Read();
                isWhole &= !isPage || reader.TokenType is JsonTokenType.False or JsonTokenType.Null;
                if (isMember && reader.TokenType == JsonTokenType.StartArray)
                {
                    ReadEntries(ref reader, models, key);
                }
            }
        }
        // the second: a text that is not Unicode
        catch (Exception damage) when (damage is JsonException or InvalidOperationException)
        {
            isWhole = false;
        }

        return new ModelList([.. models.Values], isWhole && models.Count < MaxModels);
    }

    private static void ReadEntries(ref Utf8JsonReader reader, Dictionary<string, KeyModel> models, string key)
    {
        int level = reader.CurrentDepth;
        string? id = null, name = null;
        DateOnly? end = null;
        while (reader.Read() && reader.CurrentDepth > level)
        {
            if (reader.CurrentDepth != level + 1)
            {
                if (reader.CurrentDepth == level + 2 && reader.TokenType == JsonTokenType.PropertyName)
                {
                    ReadMember(ref reader, ref id, ref name, ref end);
                }
            }
            else if (reader.TokenType == JsonTokenType.EndObject)
            {
                Add(models, id ?? name, end, key);
                (id, name, end) = (null, null, null);
            }
        }
    }

    private static void ReadMember(ref Utf8JsonReader reader, ref string? id, ref string? name, ref DateOnly? end)
    {
        bool isId = reader.ValueTextEquals("id"u8);
        bool isName = reader.ValueTextEquals("name"u8);
        bool isEnd = reader.ValueTextEquals("shutdown_date"u8);
        if (!reader.Read() || reader.TokenType != JsonTokenType.String || !(isId || isName || isEnd))
        {
            return;
        }

        string? text = reader.GetString();
        if (isId)
        {
            id = text;
        }
        else if (isName)
        {
            name = text;
        }
        else if (text is { Length: >= 10 } && DateOnly.TryParseExact(
            text[..10], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date))
        {
            end = date;
        }
    }

    private static void Add(Dictionary<string, KeyModel> models, string? id, DateOnly? end, string key)
    {
        id = id?.StartsWith(GooglePrefix, StringComparison.Ordinal) == true ? id[GooglePrefix.Length..] : id;
        if (models.Count < MaxModels
            && id is { Length: > 0 and <= MaxIdLength }
            && id.All(c => c is > ' ' and <= '~')
            && !id.Contains(key, StringComparison.Ordinal))
        {
            models.TryAdd(id, new KeyModel(id, end));
        }
    }
}
