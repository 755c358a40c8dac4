namespace CoExpr.Hdf5;

/// <summary>x</summary>
public static class Placeholder;
