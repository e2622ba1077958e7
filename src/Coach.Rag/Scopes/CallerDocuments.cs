using System.Text.Json;
using Coach.Abstractions;

namespace Coach.Rag.Scopes;

/// <summary>The documents in a caller's own scopes. A tenant's are not one caller's.</summary>
internal sealed class CallerDocuments(ScopeTable table, IKnowledgeBases knowledge) : ICallerData
{
    private const int Page = 100;

    public string Name => "documents";

    public async Task ExportAsync(
        CallerContext caller, Utf8JsonWriter writer, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartArray();
        foreach (KnowledgeScope scope in ScopesOf(caller))
        {
            if (await knowledge.OpenAsync(scope, cancellationToken).ConfigureAwait(false) is { } open)
            {
                Write(open.Knowledge, writer, cancellationToken);
            }
        }

        writer.WriteEndArray();
    }

    public async Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        int erased = 0;
        foreach (KnowledgeScope scope in ScopesOf(caller))
        {
            OpenKnowledge? open = await knowledge.OpenAsync(scope, cancellationToken).ConfigureAwait(false);
            int documents = open?.Knowledge.DocumentCount ?? 0;
            erased += await knowledge.RemoveAsync(scope, cancellationToken).ConfigureAwait(false) ? documents : 0;
        }

        return erased;
    }

    // What has no file is not opened to find that out.
    private IEnumerable<KnowledgeScope> ScopesOf(CallerContext caller) =>
        table.Options.ScopesOfCaller(caller)
            .Distinct()
            .Where(scope => scope.Kind != KnowledgeScopeKind.Shared && table.MayExist(ScopeFiles.NameOf(scope)));

    private static void Write(IKnowledgeBase knowledge, Utf8JsonWriter writer, CancellationToken cancellationToken)
    {
        StoredDocument? last = null;
        while (true)
        {
            IReadOnlyList<StoredDocument> page = knowledge.ListDocuments(last, Page);
            foreach (StoredDocument document in page)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Write(document, knowledge.GetPassages(document.Id, document.Collection) ?? [], writer);
                last = document;
            }

            if (page.Count < Page)
            {
                return;
            }
        }
    }

    private static void Write(StoredDocument document, IReadOnlyList<Passage> passages, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("id", document.Id);
        writer.WriteString("source", document.Source);
        writer.WriteString("title", document.Title);
        writer.WriteStartArray("passages");
        foreach (Passage passage in passages)
        {
            writer.WriteStringValue(passage.Text);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
