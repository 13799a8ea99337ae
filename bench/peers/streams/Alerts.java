import java.util.ArrayList;
import java.util.List;

/** The helper of Rabobank's article: which messages an entry leads to, given a customer's settings. */
final class Alerts {
    private Alerts() { }

    /** A message for a channel; `value` is its JSON: the identity of the alert and the values compared. */
    record Message(String channel, String value) { }

    /** An entry with a customer's permission on its account. */
    record Permitted(Entry entry, boolean maySeeBalance) { }

    static List<Message> generate(Permitted permitted, State.Settings settings, long customerId) {
        List<Message> messages = new ArrayList<>(2);
        Entry entry = permitted.entry();
        for (State.Preference preference : settings.preferences()) {
            if (preference.enabled() && preference.accountId().equals(entry.accountId())
                    && preference.currency().equals(entry.currency()) && matches(permitted, preference)) {
                String value = json(entry, preference, customerId);
                for (String channel : preference.channels()) {
                    messages.add(new Message(channel, value));
                }
            }
        }
        return messages;
    }

    private static boolean matches(Permitted permitted, State.Preference preference) {
        Entry entry = permitted.entry();
        if (!entry.status().equals("BOOKED")) {
            return false;
        }
        long threshold = preference.thresholdMinor(), after = entry.balanceAfterMinor(), before = after - entry.amountMinor();
        boolean balance = entry.hasBalance() && permitted.maySeeBalance();
        return switch (preference.alertType()) {
            case "BALANCE_BELOW" -> balance && after < threshold && before >= threshold;
            case "BALANCE_ABOVE" -> balance && after > threshold && before <= threshold;
            case "DEBITED_ABOVE" -> -entry.amountMinor() > threshold;
            case "CREDITED_ABOVE" -> entry.amountMinor() > threshold;
            default -> false;
        };
    }

    private static String json(Entry entry, State.Preference preference, long customerId) {
        return "{\"entry_id\":\"" + entry.entryId() + "\",\"booking_date\":" + entry.bookingDate() + ",\"account_id\":\""
                + entry.accountId() + "\",\"customer_id\":" + customerId + ",\"alert_type\":\"" + preference.alertType()
                + "\",\"preference_no\":" + preference.preferenceNo() + ",\"event_time\":\"" + entry.eventTime()
                + "\",\"evidence\":{\"event\":{\"amount_minor\":" + entry.amountMinor() + ",\"currency\":\"" + entry.currency()
                + "\",\"balance_after_minor\":" + entry.balanceAfterMinor() + "},\"parameters\":{\"threshold_minor\":"
                + preference.thresholdMinor() + "},\"state_version\":" + entry.stateVersion() + ",\"catalogue_version\":"
                + entry.catalogueVersion() + "}}";
    }
}
