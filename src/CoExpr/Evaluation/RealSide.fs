namespace CoExpr

/// The real side of evaluations: made once, and used for every prediction.
type RealSide = {
    Real: RealCells
    /// E-distances from the control, when they are first asked for.
    Energies: Lazy<float[]>
    /// The test by which tables are made where none are supplied; None: measures of tables are then left out.
    Test: DifferentialTest option
    /// The real table by that test, when it is first asked for.
    Table: Lazy<Result<OwnTable, CoExprError>>
}

/// A prediction, evaluated.
type Evaluated = {
    Result: EvaluationResult
    /// The tables that the measures were taken of, if any, real and predicted.
    Tables: (DeTable * DeTable) option
    /// The tables that were made here.
    Own: (OwnTable * OwnTable) option
}

[<RequireQualifiedAccess>]
module RealSide =

    /// Groups real cells and takes their means; what else is needed of them is made when it is first asked for.
    let create progress test (options: EvaluationOptions) (cells: Cells) : Result<RealSide, CoExprError> =
        PerturbationSides.real options.Sides cells
        |> Result.map (fun real -> {
            Real = real
            Energies = Evaluation.energiesOf options.Sides.Threads real.Side
            Test = test
            Table =
                lazy
                    (match test with
                     | Some test ->
                         OwnTables.compute progress options.De.Precision test options.Sides real.Side.Scale cells
                     | None -> invalidOp "no test was chosen")
        })

    let private untested (table: OwnTable) =
        match table.Untested with
        | [] -> []
        | names -> [
            $"{names.Length} predictions hold NaN or infinity and cannot be tested for differential expression, as {names.Head}: no gene of theirs counts as found."
          ]

    /// Both tables by our own test: of the real cells, which are tested once, and of predicted ones.
    let private ownTables progress costs options (real: RealSide) (sides: PerturbationSides) predicted test =
        let measured name work = StageCost.measured name costs work
        let precision = options.De.Precision

        result {
            do! OwnTables.requireOwnControl test options.ControlSource sides.Predicted.Scale
            let! ofReal = measured "real table" real.Table.Force

            let! ofPredicted =
                measured "predicted table" (fun () ->
                    OwnTables.ofPredicted progress precision test options.Sides options.ControlSource sides predicted)

            return ofReal, ofPredicted
        }

    let private noted test own (result: EvaluationResult) =
        match test, own with
        | Some test, Some(_, predicted) -> {
            result with
                Notes =
                    result.Notes
                    @ [
                        $"No tables were supplied: differential expression was tested here, by {DifferentialTest.name test}."
                    ]
                Warnings = result.Warnings @ untested predicted
          }
        | _ -> result

    /// Evaluates one prediction against the real side. Tables are the supplied ones, or made here if a test was chosen and
    /// a chosen measure is of tables.
    let evaluate
        progress
        (options: EvaluationOptions)
        (real: RealSide)
        supplied
        predicted
        : Result<Evaluated, CoExprError> =
        let costs = ResizeArray<StageCost>()

        result {
            let! struct (wantsCells, wantsTables) = Evaluation.needs options

            let! sides =
                StageCost.measured "means" costs (fun () -> PerturbationSides.beside options.Sides real.Real predicted)

            progress.Token.ThrowIfCancellationRequested()

            let! own =
                match real.Test, supplied with
                | Some test, None when wantsTables ->
                    ownTables progress costs options real sides predicted test |> Result.map Some
                | _ -> Ok None

            let tables =
                match supplied, own with
                | Some tables, _ when wantsTables -> Some tables
                | _, Some(ofReal, ofPredicted) ->
                    // Perturbations that a partial prediction leaves out are no failures of it.
                    Some(DeTable.restrict ofPredicted.Table.Targets ofReal.Table, ofPredicted.Table)
                | _ -> None

            progress.Token.ThrowIfCancellationRequested()
            let compared = if wantsCells then Some sides else None
            let! found = Evaluation.measure options costs real.Energies compared tables

            return {
                Result = noted real.Test own found
                Tables = tables
                Own = own
            }
        }

    /// Evaluates tables alone.
    let evaluateTables options tables : Result<Evaluated, CoExprError> =
        Evaluation.run options None (Some tables)
        |> Result.map (fun found -> {
            Result = found
            Tables = Some tables
            Own = None
        })

    /// The mean response as a prediction, evaluated as any other. Its values are logarithms, or what the real ones are.
    let baseline progress (options: EvaluationOptions) which (real: RealSide) : Result<Evaluated, CoExprError> =
        let scale =
            match real.Real.Side.Scale with
            | ExpressionScale.AsTheyAre -> ExpressionScale.AsTheyAre
            | _ -> ExpressionScale.Logarithms

        result {
            let! cells = MeanResponse.cells which None options.Sides real.Real.Cells

            let options = {
                options with
                    Sides = {
                        options.Sides with
                            Values = ScaleChoice.Given scale
                    }
            }

            return! evaluate progress options real None cells
        }
