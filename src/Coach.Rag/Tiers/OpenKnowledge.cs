namespace Coach.Rag;

/// <summary>The documents of one scope, opened.</summary>
/// <param name="Scope">Which.</param>
/// <param name="Retriever">Finds passages in them.</param>
/// <param name="Knowledge">Adds and removes documents.</param>
public sealed record OpenKnowledge(KnowledgeScope Scope, IRetriever Retriever, IKnowledgeBase Knowledge);
