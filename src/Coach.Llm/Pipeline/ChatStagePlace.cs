namespace Coach.Llm;

/// <summary>Where within a stage something stands.</summary>
public enum ChatStagePlace
{
    /// <summary>On the caller's side of the stage.</summary>
    Before,

    /// <summary>The stage itself: for packages that bring one, such as a budget.</summary>
    Within,

    /// <summary>On the provider's side of the stage.</summary>
    After,
}
