"""Names for people and shops that do not exist."""

FIRST = (
    *("Anna", "Bart", "Carla", "Daan", "Eva", "Femke", "Gijs", "Hanna", "Iris", "Jan", "Karin", "Lars", "Maud", "Niels"),
    *("Alice", "Ben", "Chloe", "David", "Emma", "Fred", "Grace", "Harry", "Isla", "Jack", "Kate", "Liam", "Mia", "Noah"),
)
LAST = (
    *("de Jong", "Jansen", "de Vries", "van den Berg", "Bakker", "Visser", "Smit", "Meijer", "de Boer", "Mulder"),
    *("Smith", "Jones", "Taylor", "Brown", "Wilson", "Evans", "Thomas", "Roberts", "Walker", "Wright"),
)
SHOPS = (
    *("Grocer on the Corner", "Bakery Het Stoepje", "City Pharmacy", "Book Cellar", "Bike Repair", "Coffee & Cake"),
    *("Fish Stall", "Railway Kiosk", "Cinema Lux", "Hardware Store", "Flower Market", "Petrol Station", "Toy Box"),
)
