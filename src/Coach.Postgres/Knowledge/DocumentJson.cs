using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Coach.Rag;

namespace Coach.Postgres.Knowledge;

/// <summary>A document as the log keeps it.</summary>
internal sealed record StoredText(
    string Text, string Source, string Title, TextFormat Format, bool IsOnePassage,
    SortedDictionary<string, string> Metadata)
{
    public static (byte[] Body, string Hash) Write(KnowledgeDocument document)
    {
        var stored = new StoredText(
            document.Text, document.Source, document.Title, document.Format, document.IsOnePassage,
            new SortedDictionary<string, string>(
                document.Metadata.ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal));
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(stored, DocumentJson.Default.StoredText);
        return (body, Convert.ToHexStringLower(SHA256.HashData(body)));
    }

    public static KnowledgeDocument Read(string id, byte[] body)
    {
        StoredText stored = JsonSerializer.Deserialize(body, DocumentJson.Default.StoredText)!;
        return new KnowledgeDocument(id, stored.Text)
        {
            Source = stored.Source,
            Title = stored.Title,
            Format = stored.Format,
            IsOnePassage = stored.IsOnePassage,
            Metadata = stored.Metadata,
        };
    }
}

[JsonSerializable(typeof(StoredText))]
internal sealed partial class DocumentJson : JsonSerializerContext;
