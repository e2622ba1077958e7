using System.Globalization;
using Coach.Abstractions;

namespace Coach.Rag.Hosting;

/// <summary>
/// The component <c>documents</c>, or <c>documents_NAME</c>: how far reading has come, and what was left out.
/// </summary>
/// <remarks>
/// Never worse than healthy: whether the documents can be asked is the component <c>rag</c>'s to say.
/// </remarks>
internal sealed class DocumentsHealth(string name, IKnowledgeBase knowledge) : IComponentHealth
{
    public string Name => name.Length == 0 ? "documents" : "documents_" + name;

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(new ComponentReport(ComponentState.Healthy, Describe()));

    private string Describe()
    {
        if (knowledge.Reading is { } reading)
        {
            return $"Documents are being read: {reading}.";
        }

        KnowledgeAccount account = knowledge.Account;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{knowledge.DocumentCount} documents, {knowledge.PassageCount} passages; "
            + $"{account.SkippedCount} skipped, {account.FailedCount} failed.");
    }
}
