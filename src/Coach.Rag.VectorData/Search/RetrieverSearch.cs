using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using Coach.Rag.VectorData.Search;
using Microsoft.Extensions.VectorData;

namespace Coach.Rag.VectorData;

/// <summary>
/// A retriever as a search of vectors and keywords: words, learnt semantics and an encoder rank together, whichever
/// method is called, by the best tier that works now. Records are passages.
/// </summary>
/// <remarks>It finds what its retriever finds: the documents of one registration or of one scope.</remarks>
public sealed class RetrieverSearch : IKeywordHybridSearchable<Passage>, IVectorSearchable<Passage>
{
    /// <summary>The most passages of one search, those that are skipped included.</summary>
    /// <value>1000</value>
    public const int MaxResults = 1_000;

    private const string SystemName = "coach.rag";

    private readonly IRetriever _retriever;
    private readonly VectorStoreCollectionMetadata _metadata;

    /// <summary>Creates the search.</summary>
    /// <param name="retriever">Finds the passages.</param>
    /// <param name="name">The collection's name, for telemetry.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public RetrieverSearch(IRetriever retriever, string name = "documents")
    {
        ArgumentNullException.ThrowIfNull(retriever);
        ArgumentNullException.ThrowIfNull(name);
        _retriever = retriever;
        _metadata = new VectorStoreCollectionMetadata
        {
            VectorStoreSystemName = SystemName,
            CollectionName = name,
        };
    }

    /// <summary>Finds passages by a question and keywords.</summary>
    /// <typeparam name="TInput">The type of the question: <see cref="string"/>.</typeparam>
    /// <param name="searchValue">The question.</param>
    /// <param name="keywords">Words that are looked for beside its own; may be empty.</param>
    /// <param name="top">How many passages: 1 and more.</param>
    /// <param name="options">
    /// How many to skip, the least score (0 to 1), and a filter: <see cref="Passage.Source"/>,
    /// <see cref="Passage.DocumentId"/> and values of <see cref="Passage.Metadata"/>, compared by <c>==</c>,
    /// <c>!=</c>, <c>StartsWith</c> and <c>Contains</c> of a list, joined by <c>&amp;&amp;</c>, <c>||</c> and
    /// <c>!</c>.
    /// </param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>The passages, best first.</returns>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="searchValue"/> or <paramref name="keywords"/> is null.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="top"/> is less than 1, or together with those skipped more than <see cref="MaxResults"/>.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// The question is no text, vectors are asked for, or a part of the filter cannot be answered.
    /// </exception>
    public IAsyncEnumerable<VectorSearchResult<Passage>> HybridSearchAsync<TInput>(
        TInput searchValue, ICollection<string> keywords, int top, HybridSearchOptions<Passage>? options = null,
        CancellationToken cancellationToken = default)
        where TInput : notnull
    {
        ArgumentNullException.ThrowIfNull(searchValue);
        ArgumentNullException.ThrowIfNull(keywords);
        options ??= new HybridSearchOptions<Passage>();
        RefuseVectors(options.IncludeVectors, options.VectorProperty ?? options.AdditionalProperty);
        string question = TextOf(searchValue);
        IEnumerable<string> more = keywords.Where(word => !string.IsNullOrWhiteSpace(word)
            && !question.Contains(word, StringComparison.OrdinalIgnoreCase));
        return SearchAsync(
            string.Join(' ', more.Prepend(question)),
            Check(top, options.Skip),
            options.Filter,
            options.Skip,
            options.ScoreThreshold,
            cancellationToken);
    }

    /// <summary>Finds passages by a question.</summary>
    /// <typeparam name="TInput">The type of the question: <see cref="string"/>.</typeparam>
    /// <param name="searchValue">The question.</param>
    /// <param name="top">How many passages: 1 and more.</param>
    /// <param name="options">As those of the other method.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>The passages, best first.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="searchValue"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="top"/> is less than 1, or together with those skipped more than <see cref="MaxResults"/>.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// The question is no text, vectors are asked for, or a part of the filter cannot be answered.
    /// </exception>
    public IAsyncEnumerable<VectorSearchResult<Passage>> SearchAsync<TInput>(
        TInput searchValue, int top, VectorSearchOptions<Passage>? options = null,
        CancellationToken cancellationToken = default)
        where TInput : notnull
    {
        ArgumentNullException.ThrowIfNull(searchValue);
        options ??= new VectorSearchOptions<Passage>();
        RefuseVectors(options.IncludeVectors, options.VectorProperty);
        return SearchAsync(
            TextOf(searchValue),
            Check(top, options.Skip),
            options.Filter,
            options.Skip,
            options.ScoreThreshold,
            cancellationToken);
    }

    /// <summary>Gets the retriever, this search, or what is known of the collection.</summary>
    /// <param name="serviceType">The type asked for.</param>
    /// <param name="serviceKey">Null.</param>
    /// <returns>The service, or null.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="serviceType"/> is null.</exception>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey switch
        {
            null when serviceType == typeof(VectorStoreCollectionMetadata) => _metadata,
            null when serviceType == typeof(IRetriever) => _retriever,
            null when serviceType.IsInstanceOfType(this) => this,
            _ => null,
        };
    }

    private IAsyncEnumerable<VectorSearchResult<Passage>> SearchAsync(
        string question, int most, Expression<Func<Passage, bool>>? filter, int skip, double? threshold,
        CancellationToken cancellationToken)
    {
        var options = new RetrievalOptions
        {
            Top = most,
            Filter = filter is null ? null : FilterTranslator.Translate(filter),
        };
        return ResultsAsync(question, options, skip, threshold ?? double.NegativeInfinity, cancellationToken);
    }

    private async IAsyncEnumerable<VectorSearchResult<Passage>> ResultsAsync(
        string question, RetrievalOptions options, int skip, double threshold,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Retrieval found = await _retriever.RetrieveAsync(question, options, cancellationToken).ConfigureAwait(false);
        foreach (Passage passage in found.Passages.Where(passage => passage.Score >= threshold).Skip(skip))
        {
            yield return new VectorSearchResult<Passage>(passage, passage.Score);
        }
    }

    private static string TextOf<TInput>(TInput value) => value as string
        ?? throw new NotSupportedException(
            $"Coach.Rag takes a question as text and embeds it itself; a {typeof(TInput).Name} cannot be searched for.");

    private static int Check(int top, int skip)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(top, MaxResults - skip);
        return top + skip;
    }

    private static void RefuseVectors(bool isAsked, LambdaExpression? property)
    {
        if (isAsked)
        {
            throw new NotSupportedException("Passages are given without their vectors; leave IncludeVectors false.");
        }

        if (property is not null)
        {
            throw new NotSupportedException("A passage has no property to be chosen by; leave it unset.");
        }
    }
}
